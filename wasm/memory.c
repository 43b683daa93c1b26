// Memory in one piece that only grows: taken from the start again for every new size of picture.
#include "core.h"

extern u8 __heap_base;
static uint32_t top;

void take_from_the_start(void) { top = (uint32_t)&__heap_base; }

// Returns so many bytes, or null where the browser has no more.
void *take(uint32_t bytes) {
  uint32_t start = (top + 63) & ~63u, end = start + bytes;
  uint32_t pages = (end + 65535) >> 16, have = (uint32_t)__builtin_wasm_memory_size(0);
  if (end < start) return 0;
  if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == (uint32_t)-1) return 0;
  top = end;
  return (void *)start;
}

// A compiler may make calls of these from plain loops.
void *memcpy(void *to, const void *from, unsigned long bytes) { return __builtin_memcpy(to, from, bytes); }
void *memset(void *to, int value, unsigned long bytes) { return __builtin_memset(to, value, bytes); }

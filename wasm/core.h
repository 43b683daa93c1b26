// What the parts of blurdash's core for browsers share: no library, no operating system, one thread.
// See README.md here for the conventions and how it is built.
#pragma once
#include <stdint.h>
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define INLINE static inline __attribute__((always_inline))

typedef uint8_t u8;
typedef uint16_t u16;
typedef int32_t i32;
typedef v128_t vec;

enum {
  REACH = 64,         // px that a tap may lie from its pixel
  MOST_TAPS = 1 << 14, // of a kernel
  LANCZOS = 8,        // taps of a shift between two pixels
};

// The pictures that are worked on: n × n px, RGB, 8 bits, interleaved. A row takes `pitch` bytes, more
// than its pixels, so that vectors may be read and written beyond its end.
typedef struct {
  i32 n, pitch;
  u8 *rgba;               // the door: what comes in and goes out, 4 bytes a pixel, no padding
  u8 *clean, *blurred, *changed, *reference;
  i32 least, most;        // of all values of the clean picture
  i32 blurred_least, blurred_most;
} Pictures;

extern Pictures now;

// memory.c
void *take(uint32_t bytes);
void take_from_the_start(void);

// blur.c
int make_room_to_blur(void);
void lay_out_for_blur(void);

// change.c
int make_room_to_change(void);

// crops.c
int make_room_to_crop(void);

// quality.c
int make_room_for_quality(void);
void luma_of(float *to, const u8 *rgb);

// sharpness.c
int make_room_for_sharpness(void);

// Index outside 0..n−1 mirrored without repeating the edge: cv2.BORDER_REFLECT_101.
INLINE i32 mirrored(i32 i, i32 n) {
  if (n == 1) return 0;
  i32 period = 2 * (n - 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
}

INLINE vec load(const void *from) { return wasm_v128_load(from); }
INLINE void store(void *to, vec values) { wasm_v128_store(to, values); }
#define each wasm_f32x4_splat
#define plus wasm_f32x4_add
#define minus wasm_f32x4_sub
#define times wasm_f32x4_mul

// The whole number next to each of four between ±2²¹, of two as near the even one: added to 1.5 · 2²³ it
// stands in the lowest bits.
INLINE vec nearest_whole(vec x) {
  return wasm_i32x4_sub(plus(x, each(0x1.8p23f)), wasm_i32x4_splat(0x4b400000));
}

// The pictures: taken in, kept, given out.
#include "core.h"

Pictures now;

// Makes room for pictures of n × n px, and where asked for what comparing them needs. Returns the address
// of the door (RGBA, n · n · 4 bytes), or null where there is not enough memory. What was there before
// is gone.
EXPORT(open) u8 *open(i32 n, i32 to_compare) {
  take_from_the_start();
  now = (Pictures){.n = n, .pitch = (3 * n + 63) / 64 * 64 + 64};
  uint32_t bytes = (uint32_t)(now.pitch * n) + 64;
  now.rgba = take((uint32_t)(4 * n * n));
  now.clean = take(bytes), now.blurred = take(bytes), now.changed = take(bytes), now.reference = take(bytes);
  int enough = now.rgba && now.clean && now.blurred && now.changed && now.reference;
  if (!enough || !make_room_to_blur() || !make_room_to_change()) return 0;
  if (to_compare && (!make_room_for_quality() || !make_room_for_sharpness() || !make_room_to_crop())) return 0;
  u8 *all[] = {now.clean, now.changed, now.reference}; // what lies beyond a row's end is equal: nothing
  for (int i = 0; i < 3; i++) __builtin_memset(all[i], 0, bytes);
  return now.rgba;
}

// Takes the clean picture from the door.
EXPORT(take_clean) void take_clean(void) {
  i32 least = 255, most = 0;
  for (i32 y = 0; y < now.n; y++) {
    const u8 *from = now.rgba + 4 * y * now.n;
    u8 *to = now.clean + y * now.pitch;
    for (i32 x = 0; x < now.n; x++)
      for (i32 k = 0; k < 3; k++) {
        u8 level = from[4 * x + k];
        to[3 * x + k] = level;
        least = level < least ? level : least;
        most = level > most ? level : most;
      }
  }
  now.least = least, now.most = most;
  lay_out_for_blur();
}

// Gives a picture out through the door, opaque.
static void give(const u8 *picture) {
  for (i32 y = 0; y < now.n; y++) {
    const u8 *from = picture + y * now.pitch;
    u8 *to = now.rgba + 4 * y * now.n;
    i32 x = 0;
    for (; x + 4 <= now.n; x += 4) { // four pixels a step
      vec rgb = load(from + 3 * x), opaque = wasm_i8x16_splat(-1);
      store(to + 4 * x, wasm_i8x16_shuffle(rgb, opaque, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11, 16));
    }
    for (; x < now.n; x++) {
      for (i32 k = 0; k < 3; k++) to[4 * x + k] = from[3 * x + k];
      to[4 * x + 3] = 255;
    }
  }
}
EXPORT(give_changed) void give_changed(void) { give(now.changed); }
EXPORT(give_reference) void give_reference(void) { give(now.reference); }

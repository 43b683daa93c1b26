// PSNR's squared error and SSIM, of the changed picture against the reference.
#include "core.h"

enum { WINDOW = 11, RIM = WINDOW - 1 };
#define C1 6.5025f  // (0.01 · 255)²
#define C2 58.5225f // (0.03 · 255)²

// Half of SSIM's window, from its edge to its middle: σ 1.5, sum 1.
static const float gauss[] = {
  .001028380084f, .007598758135f, .03600077213f, .1093606895f, .2130055377f, .2660117249f};
static float *twice, *mean, *variance; // of the reference: 2x, and its windows' mean and variance + C2
static float *kept, *line, *columns; // rows of the test picture's x, x², 2xy; one row; its windows
static i32 map_pitch;

// Rows are kept twice, one WINDOW apart, so that any WINDOW of them lie one after the other.
enum { KEPT = 2 * WINDOW };

int make_room_for_quality(void) {
  map_pitch = (now.n + 15) / 16 * 16 + 16;
  uint32_t map = (uint32_t)(map_pitch * now.n) * 4 + 64;
  twice = take(map), mean = take(map), variance = take(map);
  kept = take((uint32_t)(3 * KEPT * map_pitch) * 4);
  line = take((uint32_t)map_pitch * 4 + 64), columns = take((uint32_t)(3 * map_pitch) * 4 + 64);
  return twice && mean && variance && kept && line && columns;
}

// The sum of the squared differences of all values, a whole number.
EXPORT(squared_error) double squared_error(void) {
  double total = 0;
  for (i32 y = 0; y < now.n; y++) {
    const u8 *a = now.reference + y * now.pitch, *b = now.changed + y * now.pitch;
    vec sum = wasm_i32x4_splat(0);
    for (i32 x = 0; x < 3 * now.n; x += 16) {
      vec p = load(a + x), q = load(b + x);
      vec by = wasm_v128_or(wasm_u8x16_sub_sat(p, q), wasm_u8x16_sub_sat(q, p));
      vec low = wasm_u16x8_extend_low_u8x16(by), high = wasm_u16x8_extend_high_u8x16(by);
      sum = wasm_i32x4_add(sum, wasm_i32x4_add(wasm_i32x4_dot_i16x8(low, low), wasm_i32x4_dot_i16x8(high, high)));
    }
    total += (double)wasm_u32x4_extract_lane(sum, 0) + wasm_u32x4_extract_lane(sum, 1) +
             wasm_u32x4_extract_lane(sum, 2) + wasm_u32x4_extract_lane(sum, 3);
  }
  return total;
}

// Rec. 601 luma of a row, rounded as cv2.cvtColor rounds it, less 128: small numbers lose no digits.
void luma_of(float *to, const u8 *rgb) {
  vec red_green = wasm_i16x8_make(9798, 19235, 9798, 19235, 9798, 19235, 9798, 19235);
  vec blue_half = wasm_i16x8_make(3735, 16384, 3735, 16384, 3735, 16384, 3735, 16384);
  vec one = wasm_i16x8_splat(1); // bytes 1 and 0
  for (i32 x = 0; x < now.n; x += 4) {
    vec p = load(rgb + 3 * x);
    vec rg = wasm_i8x16_shuffle(p, one, 0, 17, 1, 17, 3, 17, 4, 17, 6, 17, 7, 17, 9, 17, 10, 17);
    vec b1 = wasm_i8x16_shuffle(p, one, 2, 17, 16, 17, 5, 17, 16, 17, 8, 17, 16, 17, 11, 17, 16, 17);
    vec sum = wasm_i32x4_add(wasm_i32x4_dot_i16x8(rg, red_green), wasm_i32x4_dot_i16x8(b1, blue_half));
    vec level = wasm_i32x4_sub(wasm_i32x4_shr(sum, 15), wasm_i32x4_splat(128));
    store(to + x, wasm_f32x4_convert_i32x4(level));
  }
}

// Mean over a window of what lies `step` values apart from `p` on.
INLINE vec windowed(const float *p, i32 step) {
  vec sum = times(each(gauss[5]), load(p + 5 * step));
#pragma clang loop unroll(full)
  for (int i = 0; i < 5; i++)
    sum = plus(sum, times(each(gauss[i]), plus(load(p + i * step), load(p + (RIM - i) * step))));
  return sum;
}

INLINE void keep(i32 which, i32 y, i32 x, vec values) {
  float *to = kept + (which * KEPT + y % WINDOW) * map_pitch + x;
  store(to, values), store(to + WINDOW * map_pitch, values);
}

// Takes row y into the rows that windows are made of.
INLINE void keep_row(const u8 *picture, i32 y, const int of_reference) {
  luma_of(line, picture + y * now.pitch);
  float *doubled = twice + y * map_pitch;
  for (i32 x = 0; x < now.n; x += 4) {
    vec level = load(line + x);
    keep(0, y, x, level), keep(1, y, x, times(level, level));
    if (of_reference) store(doubled + x, plus(level, level));
    else keep(2, y, x, times(level, load(doubled + x)));
  }
}

// Four values of the map of SSIM; m, e and c are means of the test picture's y, y² and 2xy.
INLINE vec four_of_map(vec m, vec e, vec c, const float *reference_mean, const float *reference_variance) {
  vec mx = load(reference_mean), var = minus(e, times(m, m));
  vec covariance = minus(c, times(plus(mx, mx), m)); // twice of it
  vec tx = plus(mx, each(128)), ty = plus(m, each(128)), product = times(tx, ty);
  vec up = times(plus(covariance, each(C2)), plus(plus(product, product), each(C1)));
  vec down = times(plus(plus(times(tx, tx), times(ty, ty)), each(C1)), plus(var, load(reference_variance)));
  return wasm_f32x4_div(up, down);
}

// Row `top` of the map, whose windows begin there: written down for the reference, summed up for a test.
INLINE double map_row(i32 top, const int of_reference) {
  i32 length = now.n - RIM, maps = of_reference ? 2 : 3;
  for (i32 k = 0; k < maps; k++)
    for (i32 x = 0; x < now.n; x += 4)
      store(columns + k * map_pitch + x, windowed(kept + (k * KEPT + top % WINDOW) * map_pitch + x, map_pitch));
  vec sum = each(0);
  for (i32 x = 0; x < length; x += 4) {
    vec m = windowed(columns + x, 1), e = windowed(columns + map_pitch + x, 1);
    float *mean_here = mean + top * map_pitch + x, *variance_here = variance + top * map_pitch + x;
    if (of_reference) {
      store(mean_here, m), store(variance_here, plus(minus(e, times(m, m)), each(C2)));
      continue;
    }
    vec value = four_of_map(m, e, windowed(columns + 2 * map_pitch + x, 1), mean_here, variance_here);
    i32 left = length - x;
    if (left < 4) value = wasm_v128_and(value, wasm_i32x4_make(-1, left > 1 ? -1 : 0, left > 2 ? -1 : 0, 0));
    sum = plus(sum, value);
  }
  return (double)wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1) +
         wasm_f32x4_extract_lane(sum, 2) + wasm_f32x4_extract_lane(sum, 3);
}

INLINE double mapped(const u8 *picture, const int of_reference) {
  double total = 0;
  for (i32 y = 0; y < now.n; y++) {
    keep_row(picture, y, of_reference);
    if (y >= RIM) total += map_row(y - RIM, of_reference);
  }
  return total;
}

// Makes the changed picture, as it is now, the reference.
EXPORT(take_reference) void take_reference(void) {
  __builtin_memcpy(now.reference, now.changed, (uint32_t)(now.pitch * now.n));
  mapped(now.reference, 1);
}

// SSIM of the changed picture: the mean of the map without its rim.
EXPORT(ssim) double ssim(void) {
  double length = now.n - RIM;
  return mapped(now.changed, 0) / (length * length);
}

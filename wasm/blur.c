// The blur: a kernel's taps added up in whole numbers, so that no order of adding changes a result.
//
// A weight is a whole number of 1 / unit and fits 16 bits; two taps meet in one multiply-add of 16-bit
// pairs. A sum that lies near the middle between two levels is done again where that could be wrong:
// - OpenCV adds a small kernel's taps up in float32, one after the other. Done in just that way, small
//   kernels are equal to the last bit.
// - Of a larger one OpenCV takes a Fourier transform, and a sum near the middle may fall to either side
//   there. Where weights had to be rounded to fit, it is done again with those that were given: what is
//   then one level off is OpenCV's rounding.
#include "core.h"

typedef struct { i32 first, second; int16_t first_weight, second_weight; } Pair;

static u16 *wide; // the clean picture in 16 bits, mirrored by REACH px around
static i32 wide_pitch; // of its values
static double *taps; // [right, down, weight] each, of the kernel that is wanted
static Pair *pairs; // its taps, two and two, at their places in `wide`
static float *floats; // their weights as OpenCV has them
static i32 count; // of pairs
static float unit; // that the weights are parts of

typedef enum { NEVER, AS_GIVEN, LIKE_OPENCV } Again;
static Again again; // how a sum near the middle is done
static float near_middle; // and how near that is

int make_room_to_blur(void) {
  i32 side = now.n + 2 * REACH;
  wide_pitch = (3 * side + 31) / 32 * 32 | 32; // an odd number of cache lines
  wide = take((uint32_t)(wide_pitch * side + 64) * 2);
  taps = take((MOST_TAPS + 1) * 3 * sizeof(double));
  pairs = take(MOST_TAPS / 2 * sizeof(Pair));
  floats = take(MOST_TAPS * sizeof(float));
  return wide && taps && pairs && floats;
}

static void lay_out(const u8 *picture) {
  for (i32 y = -REACH; y < now.n + REACH; y++) {
    const u8 *from = picture + mirrored(y, now.n) * now.pitch;
    u16 *to = wide + (y + REACH) * wide_pitch;
    for (i32 x = -REACH; x < now.n + REACH; x++) {
      const u8 *pixel = from + 3 * mirrored(x, now.n);
      for (i32 k = 0; k < 3; k++) *to++ = pixel[k];
    }
  }
}

void lay_out_for_blur(void) { lay_out(now.clean); }

// Has the next blurs be of the reference, or of the clean picture again.
EXPORT(blur_of) void blur_of(i32 reference) { lay_out(reference ? now.reference : now.clean); }

// Where to write a kernel's taps: [right, down, weight] each, px and px, at most MOST_TAPS of them.
EXPORT(taps_at) double *taps_at(void) { return taps; }
EXPORT(most_taps) i32 most_taps(void) { return MOST_TAPS; }

static i32 rounded(double x) { return (i32)__builtin_rint(x); }

// The largest power of two in whose parts every weight fits 16 bits, and every sum 31.
static double power_that_fits(double heaviest, double sum) {
  double scale = 1 << 20;
  while (scale > 1 && (heaviest * scale > 32767 || sum * scale * 255 > 0x7fffffff)) scale /= 2;
  return scale;
}

// Takes the n taps that were written. `parts`: the whole number in whose parts every weight is whole, or
// 0. `wanted`: how a sum near the middle is done again. Returns 0 where the kernel cannot be done here.
EXPORT(take_kernel) int take_kernel(i32 n, double parts, Again wanted) {
  if (n < 1 || n > MOST_TAPS) return 0;
  double heaviest = 0, sum = 0;
  for (i32 i = 0; i < n; i++) {
    double weight = __builtin_fabs(taps[3 * i + 2]);
    heaviest = weight > heaviest ? weight : heaviest;
    sum += weight;
  }
  double scale = parts > 0 ? parts : power_that_fits(heaviest, sum);
  if (heaviest * scale > 32767 || sum * scale * 255 > 0x7fffffff) return 0;
  sum = 0;
  i32 before = 0;
  count = (n + 1) / 2, unit = (float)scale;
  again = wanted == AS_GIVEN && parts > 0 ? NEVER : wanted; // whole weights are as they were given
  // OpenCV's float32 sums are off by less than the one; four times what rounded weights are off by on
  // average, 0.29 / scale each for levels around 128, is the other.
  near_middle = parts > 0 ? 2e-3f : (float)(150 * __builtin_sqrt(n) / scale);
  for (i32 i = 0; i < 2 * count; i++) {
    Pair *pair = pairs + i / 2;
    i32 place = 0, weight = 0;
    floats[i] = 0;
    if (i == n) taps[3 * i + 2] = 0;
    if (i < n) {
      i32 right = rounded(taps[3 * i]), down = rounded(taps[3 * i + 1]);
      if (right < -REACH || right > REACH || down < -REACH || down > REACH) return 0;
      place = (down * wide_pitch + 3 * right) * 2; // bytes
      floats[i] = (float)taps[3 * i + 2];
      sum += taps[3 * i + 2] * scale; // what rounding leaves is carried on to the next tap
      weight = rounded(sum) - before, before = rounded(sum);
    }
    if (i % 2) pair->second = place, pair->second_weight = (int16_t)weight;
    else pair->first = place, pair->first_weight = (int16_t)weight;
  }
  return 1;
}

INLINE i32 place_of(i32 i) { return i % 2 ? pairs[i / 2].second : pairs[i / 2].first; }

// The level of one value by OpenCV's float32 multiply-adds.
static i32 like_opencv(const u8 *base) {
  float sum = 0;
  for (i32 i = 0; i < 2 * count; i++)
    sum = (float)((double)sum + (double)floats[i] * *(const u16 *)(base + place_of(i)));
  return (i32)__builtin_rintf(sum);
}

// The level of one value by the weights as they were given.
static i32 as_given(const u8 *base) {
  double sum = 0;
  for (i32 i = 0; i < 2 * count; i++) sum += taps[3 * i + 2] * *(const u16 *)(base + place_of(i));
  return rounded(sum);
}

// Does those of four values again whose sum lies near the middle between two levels.
INLINE vec settled(vec levels, vec exact, const u8 *base) {
  vec rest = minus(exact, wasm_f32x4_floor(exact));
  vec near = wasm_f32x4_lt(wasm_f32x4_abs(minus(rest, each(.5f))), each(near_middle));
  if (!wasm_v128_any_true(near)) return levels;
  i32 asked[4], level[4];
  store(asked, near), store(level, levels);
  for (int i = 0; i < 4; i++)
    if (asked[i]) level[i] = again == LIKE_OPENCV ? like_opencv(base + 2 * i) : as_given(base + 2 * i);
  return load(level);
}

// Adds all pairs up for 32 values, which lie from `base` on, into eight vectors.
INLINE void add_up(vec *sums, const u8 *base) {
  for (int j = 0; j < 8; j++) sums[j] = wasm_i32x4_splat(0);
  for (i32 i = 0; i < count; i++) {
    const u8 *a = base + pairs[i].first, *b = base + pairs[i].second;
    vec weights = wasm_v128_load32_splat(&pairs[i].first_weight);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      vec p = load(a + 16 * j), q = load(b + 16 * j);
      vec low = wasm_i16x8_shuffle(p, q, 0, 8, 1, 9, 2, 10, 3, 11);
      vec high = wasm_i16x8_shuffle(p, q, 4, 12, 5, 13, 6, 14, 7, 15);
      sums[2 * j] = wasm_i32x4_add(sums[2 * j], wasm_i32x4_dot_i16x8(low, weights));
      sums[2 * j + 1] = wasm_i32x4_add(sums[2 * j + 1], wasm_i32x4_dot_i16x8(high, weights));
    }
  }
}

// Lanes of 16 values from x on that lie within a row of `width`.
INLINE vec within(i32 x, i32 width) {
  vec lane = wasm_i8x16_make(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  i32 left = width - x;
  return wasm_i8x16_lt(lane, wasm_i8x16_splat((int8_t)(left > 16 ? 16 : left < 0 ? 0 : left)));
}

// Filters rows y0..y1 of the clean picture with the kernel that was taken. All rows must have been
// filtered, from the first on, before the picture is changed.
EXPORT(blur) void blur(i32 y0, i32 y1) {
  i32 width = 3 * now.n;
  vec scale = each(1 / unit), least = wasm_i8x16_splat(-1), most = wasm_i8x16_splat(0);
  // Row after row, as they lie in memory: what was read for one row is at hand for the next.
  for (i32 y = y0; y < y1; y++)
    for (i32 x = 0; x < width; x += 32) {
      const u8 *base = (const u8 *)(wide + (y + REACH) * wide_pitch + 3 * REACH + x);
      vec sums[8];
      add_up(sums, base);
      for (int j = 0; j < 8; j++) {
        vec exact = times(wasm_f32x4_convert_i32x4(sums[j]), scale);
        sums[j] = nearest_whole(exact);
        if (again) sums[j] = settled(sums[j], exact, base + 8 * j);
      }
      for (int j = 0; j < 2; j++) {
        vec low = wasm_i16x8_narrow_i32x4(sums[4 * j], sums[4 * j + 1]);
        vec high = wasm_i16x8_narrow_i32x4(sums[4 * j + 2], sums[4 * j + 3]);
        vec levels = wasm_u8x16_narrow_i16x8(low, high);
        store(now.blurred + y * now.pitch + x + 16 * j, levels);
        vec inside = within(x + 16 * j, width);
        least = wasm_u8x16_min(least, wasm_v128_or(levels, wasm_v128_not(inside)));
        most = wasm_u8x16_max(most, wasm_v128_and(levels, inside));
      }
    }
  u8 low[16], high[16];
  store(low, least), store(high, most);
  if (y0 == 0) now.blurred_least = 255, now.blurred_most = 0;
  for (int i = 0; i < 16; i++) {
    if (low[i] < now.blurred_least) now.blurred_least = low[i];
    if (high[i] > now.blurred_most) now.blurred_most = high[i];
  }
}

// Where the blurred picture has its least value, or its greatest: number of the value, row after row.
EXPORT(place_of_extreme) i32 place_of_extreme(i32 greatest) {
  i32 wanted = greatest ? now.blurred_most : now.blurred_least;
  for (i32 y = 0; y < now.n; y++)
    for (i32 x = 0; x < 3 * now.n; x++)
      if (now.blurred[y * now.pitch + x] == wanted) return y * 3 * now.n + x;
  return 0;
}

// What the stretch takes the blurred picture's range for: a smaller picture's is not that of the full one.
EXPORT(set_range) void set_range(i32 least, i32 most) { now.blurred_least = least, now.blurred_most = most; }

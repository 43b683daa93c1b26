// What comes after the blur: the study's stretch, a shift by whole pixels or between them, other light.
#include "core.h"

// From level to level: the stretch so that `least` becomes 0 and `most` 255, in cv2.normalize's steps.
// float32 finds it, but for a few levels, which are mended.
enum { MOST_MENDED = 8 };
typedef struct { u8 table[256]; float factor, offset; i32 nothing, mended; u8 level[MOST_MENDED], by[MOST_MENDED]; } Stretch;

static u8 *unshifted; // the stretched picture, where the shift ends between two pixels
static float *lines; // rows of it, moved sideways
static u8 *row_wide; // one of its rows with what is mirrored in
static float *row_floats; // the same

int make_room_to_change(void) {
  unshifted = take((uint32_t)(now.pitch * now.n) + 64);
  lines = take((uint32_t)(LANCZOS * (3 * now.n + 64)) * 4);
  row_wide = take((uint32_t)(3 * (now.n + LANCZOS) + 128));
  row_floats = take((uint32_t)(3 * (now.n + LANCZOS) + 128) * 4);
  return unshifted && lines && row_wide && row_floats;
}

static float level_of(float x) { return x < 0 ? 0 : x > 255 ? 255 : __builtin_rintf(x); }

static void make_stretch(Stretch *s, i32 wanted, i32 least, i32 most) {
  double scale = most > least ? 255. * (1. / (most - least)) : 0;
  s->factor = (float)(wanted ? scale : 1), s->offset = (float)(wanted ? -least * scale : 0);
  s->nothing = 1, s->mended = 0;
  for (i32 i = 0; i < 256; i++) {
    // OpenCV multiplies and adds in one step: exact in float64, then rounded once.
    s->table[i] = (u8)level_of((float)((double)i * s->factor + s->offset));
    s->nothing &= s->table[i] == i;
    u8 by = (u8)(s->table[i] - (u8)level_of((float)i * s->factor + s->offset));
    if (!by) continue;
    if (s->mended < MOST_MENDED) s->level[s->mended] = (u8)i, s->by[s->mended] = by;
    s->mended++;
  }
}

static vec four_levels(vec levels, const Stretch *s) {
  vec exact = plus(times(wasm_f32x4_convert_i32x4(levels), each(s->factor)), each(s->offset));
  return nearest_whole(exact);
}

static vec sixteen_levels(vec x, const Stretch *s) {
  vec low = wasm_u16x8_extend_low_u8x16(x), high = wasm_u16x8_extend_high_u8x16(x);
  vec a = four_levels(wasm_u32x4_extend_low_u16x8(low), s), b = four_levels(wasm_u32x4_extend_high_u16x8(low), s);
  vec c = four_levels(wasm_u32x4_extend_low_u16x8(high), s), d = four_levels(wasm_u32x4_extend_high_u16x8(high), s);
  vec levels = wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(a, b), wasm_i16x8_narrow_i32x4(c, d));
  for (i32 i = 0; i < s->mended; i++) {
    vec here = wasm_i8x16_eq(x, wasm_i8x16_splat((int8_t)s->level[i]));
    levels = wasm_i8x16_add(levels, wasm_v128_and(here, wasm_i8x16_splat((int8_t)s->by[i])));
  }
  return levels;
}

static void stretch(u8 *to, const u8 *from, i32 bytes, const Stretch *s) {
  if (s->nothing) {
    __builtin_memcpy(to, from, (uint32_t)bytes);
    return;
  }
  i32 i = 0;
  if (s->mended <= MOST_MENDED)
    for (; i + 16 <= bytes; i += 16) store(to + i, sixteen_levels(load(from + i), s));
  for (; i < bytes; i++) to[i] = s->table[from[i]];
}

// `count` pixels of a row, from `first` on; what lies beyond its ends is mirrored.
static void take_pixels(u8 *to, const u8 *from, i32 first, i32 count) {
  i32 n = now.n, start = first < 0 ? -first : 0, end = n - first < count ? n - first : count; // from inside
  if (start < end) __builtin_memcpy(to + 3 * start, from + 3 * (first + start), (uint32_t)(3 * (end - start)));
  for (i32 x = 0; x < count; x++) {
    if (x == start && start < end) x = end;
    if (x >= count) return;
    const u8 *pixel = from + 3 * mirrored(first + x, n);
    for (i32 k = 0; k < 3; k++) to[3 * x + k] = pixel[k];
  }
}

static void move_whole(u8 *to, const u8 *from, i32 right, i32 down, const Stretch *s) {
  for (i32 y = 0; y < now.n; y++) {
    const u8 *row = from + mirrored(y - down, now.n) * now.pitch;
    if (right) take_pixels(row_wide, row, -right, now.n);
    stretch(to + y * now.pitch, right ? row_wide : row, 3 * now.n, s);
  }
}

enum { ACROSS = 1, ALONG = 2 }; // in which directions a shift ends between two pixels
static float across[LANCZOS], along[LANCZOS]; // taps of its rest
EXPORT(across_at) float *across_at(void) { return across; }
EXPORT(along_at) float *along_at(void) { return along; }

// The sum of eight taps along a row, as OpenCV has it: each multiplied and added in one step.
static float like_opencv(const u8 *eight) {
  float sum = 0;
  for (i32 i = 0; i < LANCZOS; i++) sum = (float)((double)sum + (double)across[i] * eight[3 * i]);
  return sum;
}

// Does those of four sums along a row again that lie near the middle between two levels, as half a pixel
// makes many of them.
INLINE vec settled(vec sums, const u8 *from) {
  vec rest = minus(sums, wasm_f32x4_floor(sums));
  vec near = wasm_f32x4_lt(wasm_f32x4_abs(minus(rest, each(.5f))), each(1e-3f));
  if (!wasm_v128_any_true(near)) return sums;
  i32 asked[4];
  float sum[4];
  store(asked, near), store(sum, sums);
  for (int i = 0; i < 4; i++)
    if (asked[i]) sum[i] = like_opencv(from + i);
  return load(sum);
}

INLINE vec four_across(const float *from) {
  vec sum = each(0);
#pragma clang loop unroll(full)
  for (i32 i = 0; i < LANCZOS; i++) sum = plus(sum, times(load(from + 3 * i), each(across[i])));
  return sum;
}

// One row of `unshifted`, moved by whole px and, where asked, by the taps along it; as float32.
static void line_of(float *to, i32 y, i32 right, i32 between) {
  i32 width = 3 * now.n, before = LANCZOS / 2;
  take_pixels(row_wide, unshifted + y * now.pitch, -before - right, now.n + LANCZOS);
  for (i32 x = 0; x < width + 3 * LANCZOS; x += 8) {
    vec eight = wasm_u16x8_load8x8(row_wide + x);
    store(row_floats + x, wasm_f32x4_convert_u32x4(wasm_u32x4_extend_low_u16x8(eight)));
    store(row_floats + x + 4, wasm_f32x4_convert_u32x4(wasm_u32x4_extend_high_u16x8(eight)));
  }
  if (!(between & ACROSS)) {
    __builtin_memcpy(to, row_floats + 3 * before, (uint32_t)width * 4);
    return;
  }
  for (i32 x = 0; x < width; x += 4) {
    vec sums = four_across(row_floats + x);
    store(to + x, between == ACROSS ? settled(sums, row_wide + x) : sums);
  }
}

// One row of levels from eight lines, by the taps along columns where asked, else from the middle one.
static void column_of(u8 *to, float **rows, i32 between, i32 width) {
  for (i32 x = 0; x < width; x += 16) {
    vec sums[4];
    for (int j = 0; j < 4; j++) {
      sums[j] = each(0);
      if (between & ALONG)
        for (i32 i = 0; i < LANCZOS; i++) sums[j] = plus(sums[j], times(load(rows[i] + x + 4 * j), each(along[i])));
      else sums[j] = load(rows[LANCZOS / 2] + x + 4 * j);
      sums[j] = nearest_whole(sums[j]);
    }
    vec levels = wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(sums[0], sums[1]), wasm_i16x8_narrow_i32x4(sums[2], sums[3]));
    if (x + 16 <= width) store(to + x, levels);
    else {
      u8 last[16];
      store(last, levels);
      for (i32 i = 0; x + i < width; i++) to[x + i] = last[i];
    }
  }
}

// Moves `unshifted` by whole px and a fraction of one: eight taps along rows, then along columns.
static void move_between(i32 right, i32 down, i32 between) {
  i32 n = now.n, before = LANCZOS / 2, line = 3 * n + 64;
  for (i32 y = 0; y < n + LANCZOS - 1; y++) { // row y of what is moved, mirrored by `before` px
    line_of(lines + y % LANCZOS * line, mirrored(y - before - down, n), right, between);
    i32 finished = y - (LANCZOS - 1);
    if (finished < 0) continue;
    float *rows[LANCZOS];
    for (i32 i = 0; i < LANCZOS; i++) rows[i] = lines + (finished + i) % LANCZOS * line;
    column_of(now.changed + finished * now.pitch, rows, between, 3 * n);
  }
}

// Makes the changed picture of the blurred one, or of the clean one where it is not `filtered`:
// stretched to 0..255 where `stretched`, then moved by whole px to the right and down, and further by
// the taps at `across_at` where `between` has ACROSS, and at `along_at` where it has ALONG.
EXPORT(change) void change(i32 filtered, i32 stretched, i32 right, i32 down, i32 between) {
  Stretch s;
  make_stretch(&s, stretched, filtered ? now.blurred_least : now.least, filtered ? now.blurred_most : now.most);
  const u8 *from = filtered ? now.blurred : now.clean;
  if (!between) {
    move_whole(now.changed, from, right, down, &s);
    return;
  }
  move_whole(unshifted, from, 0, 0, &s);
  move_between(right, down, between);
}

static u8 lit[256]; // what each level becomes in other light
EXPORT(lit_at) u8 *lit_at(void) { return lit; }

// Puts the changed picture into the light that is written at `lit_at`.
EXPORT(light) void light(void) {
  for (i32 y = 0; y < now.n; y++) {
    u8 *row = now.changed + y * now.pitch;
    for (i32 x = 0; x < 3 * now.n; x++) row[x] = lit[row[x]];
  }
}

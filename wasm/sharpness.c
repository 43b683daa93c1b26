// How sharp a picture is, without another beside it: the variance of the Laplacian of its luma.
#include "core.h"

enum { ROWS = 3, BEFORE = 4 }; // rows that are kept; values before a row's first one
static float *kept;
static i32 pitch;

int make_room_for_sharpness(void) {
  pitch = (now.n + BEFORE + 15) / 16 * 16 + 16;
  kept = take((uint32_t)(ROWS * pitch) * 4 + 64);
  return kept != 0;
}

static float *row_at(i32 y) { return kept + mirrored(y, now.n) % ROWS * pitch + BEFORE; }

// Takes row y; a value is mirrored in at either end.
static void keep_row(const u8 *picture, i32 y) {
  i32 n = now.n;
  float *row = row_at(y);
  luma_of(row, picture + y * now.pitch);
  row[-1] = row[mirrored(-1, n)], row[n] = row[mirrored(n, n)];
}

// Adds up a row of the Laplacian, and its squares: whole numbers, so in any order the same.
static void add_row(i32 y, double *sum, double *squares) {
  const float *above = row_at(y - 1), *here = row_at(y), *below = row_at(y + 1);
  vec total = wasm_i32x4_splat(0), of_squares = total;
  for (i32 x = 0; x < now.n; x += 4) {
    vec around = plus(plus(load(above + x), load(below + x)), plus(load(here + x - 1), load(here + x + 1)));
    vec edge = wasm_i32x4_trunc_sat_f32x4(minus(around, times(each(4), load(here + x))));
    i32 left = now.n - x;
    if (left < 4) edge = wasm_v128_and(edge, wasm_i32x4_make(-1, left > 1 ? -1 : 0, left > 2 ? -1 : 0, 0));
    total = wasm_i32x4_add(total, edge);
    of_squares = wasm_i32x4_add(of_squares, wasm_i32x4_mul(edge, edge));
  }
  *sum += wasm_i32x4_extract_lane(total, 0) + wasm_i32x4_extract_lane(total, 1) +
          wasm_i32x4_extract_lane(total, 2) + wasm_i32x4_extract_lane(total, 3);
  *squares += (double)wasm_i32x4_extract_lane(of_squares, 0) + wasm_i32x4_extract_lane(of_squares, 1) +
              wasm_i32x4_extract_lane(of_squares, 2) + wasm_i32x4_extract_lane(of_squares, 3);
}

// Of the reference, or of the changed picture.
EXPORT(sharpness) double sharpness(i32 of_reference) {
  const u8 *picture = of_reference ? now.reference : now.changed;
  double sum = 0, squares = 0, count = (double)now.n * now.n;
  keep_row(picture, 0);
  if (now.n > 1) keep_row(picture, 1);
  for (i32 y = 0; y < now.n; y++) {
    if (y > 0 && y + 1 < now.n) keep_row(picture, y + 1);
    add_row(y, &sum, &squares);
  }
  return squares / count - sum / count * (sum / count);
}

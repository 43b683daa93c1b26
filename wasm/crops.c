// What a recogniser is shown of a picture: a box of it, made smaller as the library does that the
// recogniser was published with, to the last bit.
#include "core.h"

enum { MOST_SIDE = 256 }; // px, of a crop
// dlib's chip, Pillow's bilinear filter (rows first, or columns first), OpenCV's mean over areas.
enum { CHIP, BILINEAR, BILINEAR_DOWN_FIRST, AREA };

typedef struct { i32 x, y, wide, high; } Box;

static u8 *crop_rgb;
static u8 *halved[2]; // what a chip is cut from, smaller and smaller
static u16 *halved_row;
static u8 *half_done; // as high as the box and as wide as the crop, or the other way round
static double grid[6]; // where a chip's samples lie: first, step to the right, step down; x and y each

int make_room_to_crop(void) {
  uint32_t half = (uint32_t)(now.n / 2 + 8);
  crop_rgb = take(MOST_SIDE * MOST_SIDE * 3 + 64);
  for (int i = 0; i < 2; i++) halved[i] = take(half * half * 3 + 64);
  halved_row = take((uint32_t)(3 * now.n + 64) * 2);
  half_done = take((uint32_t)(now.n * MOST_SIDE * 3) + 64);
  return crop_rgb && halved[0] && halved[1] && halved_row && half_done;
}

EXPORT(grid_at) double *grid_at(void) { return grid; }

// ---- dlib: halve by a 5 × 5 Gaussian as often as it goes, then sample bilinearly on a turned grid

static void halve_columns(const u8 *from, i32 stride, i32 width) {
  for (i32 x = 0; x < width; x++) {
    const u8 *p = from + x;
    halved_row[x] = (u16)(p[0] + p[4 * stride] + 4 * (p[stride] + p[3 * stride]) + 6 * p[2 * stride]);
  }
}

static void halve_row(u8 *to, i32 n) {
  for (i32 x = 0; x < n; x++)
    for (i32 k = 0; k < 3; k++) {
      const u16 *q = halved_row + 6 * x + k;
      to[3 * x + k] = (u8)((q[0] + q[12] + 4 * (q[3] + q[9]) + 6 * q[6]) >> 8);
    }
}

static void halve(u8 *to, const u8 *from, i32 stride, Box *box) {
  i32 wide = (box->wide - 3) / 2, high = (box->high - 3) / 2;
  for (i32 y = 0; y < high; y++) {
    halve_columns(from + 2 * y * stride, stride, 3 * box->wide);
    halve_row(to + 3 * y * wide, wide);
  }
  box->wide = wide, box->high = high;
}

static void sample(u8 *to, const u8 *from, i32 stride, Box box, double x, double y) {
  double left = __builtin_floor(x), top = __builtin_floor(y), right = x - left, down = y - top;
  i32 a = (i32)left, b = (i32)top;
  to[0] = to[1] = to[2] = 0;
  if (a < 0 || b < 0 || a + 1 >= box.wide || b + 1 >= box.high) return;
  const u8 *p = from + b * stride + 3 * a, *q = p + stride;
  for (i32 k = 0; k < 3; k++) {
    double above = (1 - right) * p[k] + right * p[k + 3], below = (1 - right) * q[k] + right * q[k + 3];
    to[k] = (u8)((1 - down) * above + down * below + 1e-9); // a whole number may come out a hair below
  }
}

static void crop_chip(const u8 *from, Box box, i32 side, i32 levels) {
  i32 stride = now.pitch;
  for (i32 i = 0; i < levels; i++) {
    halve(halved[i % 2], from, stride, &box);
    from = halved[i % 2], stride = 3 * box.wide;
  }
  for (i32 j = 0; j < side; j++)
    for (i32 i = 0; i < side; i++)
      sample(crop_rgb + 3 * (j * side + i), from, stride, box, grid[0] + i * grid[2] + j * grid[4],
             grid[1] + i * grid[3] + j * grid[5]);
}

// ---- Pillow: a triangle as wide as a pixel of the crop, in whole numbers of 2^-22, rows then columns

enum { PARTS = 22, MOST_WEIGHTS = 1024 };
static i32 weights[MOST_WEIGHTS];

// The weights of what a pixel of the crop is made of; returns how many, from `*first` on.
static i32 triangle(i32 place, i32 length, i32 side, i32 *first) {
  double scale = (double)length / side, wide = scale < 1 ? 1 : scale, centre = (place + .5) * scale;
  double share = 1 / wide; // as Pillow has it: a product is not quite a quotient
  double exact[MOST_WEIGHTS], sum = 0;
  i32 from = (i32)(centre - wide + .5), to = (i32)(centre + wide + .5);
  from = from < 0 ? 0 : from, to = to > length ? length : to;
  for (i32 i = from; i < to; i++) {
    double away = __builtin_fabs((i - centre + .5) * share);
    exact[i - from] = away < 1 ? 1 - away : 0;
    sum += exact[i - from];
  }
  for (i32 i = 0; i < to - from; i++) weights[i] = (i32)(.5 + exact[i] / sum * (1 << PARTS));
  *first = from;
  return to - from;
}

// One pixel from `count` of them, `step` bytes apart.
static void weighed(u8 *to, const u8 *from, i32 count, i32 step) {
  i32 sums[3] = {1 << (PARTS - 1), 1 << (PARTS - 1), 1 << (PARTS - 1)};
  for (i32 i = 0; i < count; i++)
    for (i32 k = 0; k < 3; k++) sums[k] += from[i * step + k] * weights[i];
  for (i32 k = 0; k < 3; k++) {
    i32 level = sums[k] >> PARTS;
    to[k] = (u8)(level > 255 ? 255 : level < 0 ? 0 : level);
  }
}

// Makes a picture of `wide` × `high` px narrower, or lower; `pitch` and `to_pitch` are bytes of a row.
static void narrow(u8 *to, i32 to_pitch, const u8 *from, i32 pitch, i32 wide, i32 high, i32 side) {
  i32 first;
  for (i32 x = 0; x < side; x++) {
    i32 count = triangle(x, wide, side, &first);
    for (i32 y = 0; y < high; y++) weighed(to + y * to_pitch + 3 * x, from + y * pitch + 3 * first, count, 3);
  }
}
static void lower(u8 *to, const u8 *from, i32 pitch, i32 wide, i32 high, i32 side) {
  i32 first;
  for (i32 y = 0; y < side; y++) {
    i32 count = triangle(y, high, side, &first);
    for (i32 x = 0; x < wide; x++) weighed(to + 3 * (y * wide + x), from + first * pitch + 3 * x, count, pitch);
  }
}

static void crop_bilinear(const u8 *from, Box box, i32 side, i32 down_first) {
  if (down_first) {
    lower(half_done, from, now.pitch, box.wide, box.high, side);
    narrow(crop_rgb, 3 * side, half_done, 3 * box.wide, box.wide, side, side);
  } else {
    narrow(half_done, 3 * side, from, now.pitch, box.wide, box.high, side);
    lower(crop_rgb, half_done, 3 * side, side, box.high, side);
  }
}

// ---- OpenCV's INTER_AREA: each pixel the mean of what it covers, in float32

typedef struct { i32 to, from; float share; } Part;
static Part across[2 * 1024 + 2 * MOST_SIDE], along[2 * 1024 + 2 * MOST_SIDE];

// What each pixel of the crop takes of each place of a row of the box; returns how many entries.
static i32 shares(Part *parts, i32 length, i32 side) {
  double scale = (double)length / side;
  i32 n = 0;
  for (i32 to = 0; to < side; to++) {
    double start = to * scale, end = start + scale, cell = scale < length - start ? scale : length - start;
    i32 first = (i32)__builtin_ceil(start), last = (i32)__builtin_floor(end);
    last = last < length - 1 ? last : length - 1, first = first < last ? first : last;
    if (first - start > 1e-3) parts[n++] = (Part){to, first - 1, (float)((first - start) / cell)};
    for (i32 from = first; from < last; from++) parts[n++] = (Part){to, from, (float)(1 / cell)};
    double rest = end - last < 1 ? end - last : 1;
    if (end - last > 1e-3) parts[n++] = (Part){to, last, (float)((rest < cell ? rest : cell) / cell)};
  }
  return n;
}

static void put_row(u8 *to, const float *sums, i32 values) {
  for (i32 i = 0; i < values; i++) {
    float level = __builtin_rintf(sums[i]);
    to[i] = (u8)(level > 255 ? 255 : level);
  }
}

static void crop_area(const u8 *from, Box box, i32 side) {
  i32 wide = shares(across, box.wide, side), high = shares(along, box.high, side);
  float row[3 * MOST_SIDE], sums[3 * MOST_SIDE];
  for (i32 j = 0; j < high; j++) {
    const u8 *line = from + along[j].from * now.pitch;
    for (i32 i = 0; i < 3 * side; i++) row[i] = 0;
    for (i32 i = 0; i < wide; i++)
      for (i32 k = 0; k < 3; k++) row[3 * across[i].to + k] += line[3 * across[i].from + k] * across[i].share;
    i32 begins = j == 0 || along[j].to != along[j - 1].to;
    for (i32 i = 0; i < 3 * side; i++) sums[i] = begins ? along[j].share * row[i] : sums[i] + along[j].share * row[i];
    if (j + 1 == high || along[j + 1].to != along[j].to)
      put_row(crop_rgb + 3 * along[j].to * side, sums, 3 * side);
  }
}

// The same where each pixel covers just as many whole ones.
static void crop_area_whole(const u8 *from, Box box, i32 side) {
  i32 right = box.wide / side, down = box.high / side;
  float share = 1.f / (right * down);
  for (i32 y = 0; y < side; y++)
    for (i32 x = 0; x < side; x++)
      for (i32 k = 0; k < 3; k++) {
        i32 sum = 0;
        for (i32 j = 0; j < down; j++)
          for (i32 i = 0; i < right; i++) sum += from[(y * down + j) * now.pitch + 3 * (x * right + i) + k];
        u8 *to = crop_rgb + 3 * (y * side + x) + k;
        *to = right == 2 && down == 2 ? (u8)((sum + 2) >> 2) : (u8)__builtin_rintf(sum * share);
      }
}

// Cuts a box out of the changed picture, or of the reference, and makes a square of `side` px of it.
// Returns where its RGB lies, or null where the box is none, or is to be made larger by an AREA.
EXPORT(crop) u8 *crop(i32 of_reference, i32 kind, i32 x, i32 y, i32 wide, i32 high, i32 side, i32 levels) {
  Box box = {x, y, wide, high};
  if (x < 0 || y < 0 || wide < 1 || high < 1 || x + wide > now.n || y + high > now.n) return 0;
  if (side < 1 || side > MOST_SIDE || now.n > 1024) return 0;
  const u8 *from = (of_reference ? now.reference : now.changed) + y * now.pitch + 3 * x;
  if (kind == CHIP) crop_chip(from, box, side, levels);
  else if (kind != AREA) crop_bilinear(from, box, side, kind == BILINEAR_DOWN_FIRST);
  else if (wide < side || high < side) return 0;
  else if (wide % side == 0 && high % side == 0) crop_area_whole(from, box, side);
  else crop_area(from, box, side);
  return crop_rgb;
}

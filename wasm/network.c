// A recogniser's network, as a short program of layers. It runs in an instance of its own, which holds
// no picture: crops are copied in, embeddings out.
//
// Values lie as [row][column][channel]. A 3 × 3 convolution with step 1 goes Winograd's way (F(4 × 4, 3 × 3),
// F(2 × 2, 3 × 3) for 4 px and fewer), any other is added up directly; both by the same inner loop, four
// pixels by eight channels.
#include "core.h"

// One layer, as the program has it: 32 bits each. Numbers of values, not of bytes.
typedef struct {
  i32 kind;            // one of the below
  i32 from, to, plus;  // buffers; plus: of what is added to a convolution's result, or −1
  i32 n_from, n_to;    // side of both, px; 1 for a row of numbers
  i32 c_from, c_to;    // channels of both
  i32 high, wide, step; // of a convolution's kernel, or a pool's
  i32 above, before;   // rows and columns of zeros in front of the picture; behind it as many as it takes
  i32 depthwise;       // whether each channel is convolved alone
  i32 channel;         // COPY: which of the channels it begins at
  float least, most;   // what the result is clipped at
  i32 weights, biases; // where they begin; −1: none
} Layer;

enum { INPUT, CONVOLVE, MAX_POOL, MEAN_POOL, ADD, COPY, DENSE, NORMALISE };

enum { MOST_BUFFERS = 64, TILES_AT_ONCE = 96, PIXELS_AT_ONCE = 48 };

static Layer *layers;
static i32 count, longest_staged;
static float *buffers[MOST_BUFFERS], **prepared; // each layer's weights, as its loop wants them
static u8 *staged; // weights of one layer as they came
static float *biases;
static u8 *input;
static float *bordered, *before_products, *products; // a picture with its zeros; Winograd's way in, and out
static i32 room_bordered, room_before, room_products;

// ---- making room

INLINE i32 tile_of(const Layer *l) {
  int plain = l->kind == CONVOLVE && !l->depthwise && l->high == 3 && l->wide == 3 && l->step == 1;
  if (!plain || l->c_from % 4) return 0;
  return l->n_to > 4 ? 4 : l->n_to > 2 ? 2 : 0;
}
INLINE i32 tiles_of(const Layer *l, i32 m) { return (l->n_to + m - 1) / m; }

// Side of a convolution's picture with its zeros.
INLINE i32 side_with_zeros(const Layer *l) {
  i32 m = tile_of(l);
  if (m) return tiles_of(l, m) * m + 2;
  i32 read = (l->n_to - 1) * l->step + (l->high > l->wide ? l->high : l->wide);
  i32 front = l->above > l->before ? l->above : l->before;
  return front && read < l->n_from + front ? l->n_from + front : read;
}
INLINE int needs_zeros(const Layer *l) { return l->above || l->before || side_with_zeros(l) > l->n_from; }

INLINE i32 weights_of(const Layer *l) { // as they come
  if (l->kind == DENSE) return l->c_from * l->c_to;
  if (l->kind != CONVOLVE) return 0;
  return l->high * l->wide * (l->depthwise ? 1 : l->c_from) * l->c_to;
}
INLINE i32 weights_prepared(const Layer *l) {
  i32 m = tile_of(l);
  return m ? (m + 2) * (m + 2) * l->c_from * l->c_to : weights_of(l);
}

static i32 larger(i32 a, i32 b) { return a > b ? a : b; }

static void measure(const Layer *l) {
  longest_staged = larger(longest_staged, weights_of(l));
  if (l->kind != CONVOLVE) return;
  i32 side = side_with_zeros(l), m = tile_of(l), a = m + 2;
  room_bordered = larger(room_bordered, (side + 1) * (side + 1) * l->c_from);
  if (!m) return;
  room_before = larger(room_before, a * a * (TILES_AT_ONCE * l->c_from + 16));
  room_products = larger(room_products, a * a * (TILES_AT_ONCE * l->c_to + 16));
}

// Takes all memory for a program of so many layers, whose text is then written where this says.
EXPORT(net_open) Layer *net_open(i32 layer_count) {
  take_from_the_start();
  count = layer_count;
  layers = take((uint32_t)(layer_count * (i32)sizeof(Layer)));
  prepared = take((uint32_t)(layer_count * 4));
  return prepared ? layers : 0;
}

// Makes room for what was written; returns where biases are written, or null where memory is short.
EXPORT(net_room) float *net_room(i32 bias_count, i32 input_bytes) {
  i32 sizes[MOST_BUFFERS] = {0};
  longest_staged = room_bordered = room_before = room_products = 0;
  for (i32 i = 0; i < count; i++) {
    Layer *l = layers + i;
    measure(l);
    sizes[l->to] = larger(sizes[l->to], l->n_to * l->n_to * l->c_to);
    prepared[i] = take((uint32_t)weights_prepared(l) * 4);
    if (!prepared[i]) return 0;
  }
  for (i32 i = 0; i < MOST_BUFFERS; i++)
    if (sizes[i] && !(buffers[i] = take((uint32_t)sizes[i] * 4 + 64))) return 0;
  bordered = take((uint32_t)room_bordered * 4 + 64);
  before_products = take((uint32_t)room_before * 4 + 64), products = take((uint32_t)room_products * 4 + 64);
  staged = take((uint32_t)longest_staged * 4), input = take((uint32_t)input_bytes + 64);
  biases = take((uint32_t)bias_count * 4 + 64);
  return bordered && before_products && products && staged && input ? biases : 0;
}

EXPORT(net_staged) u8 *net_staged(void) { return staged; }
EXPORT(net_input) u8 *net_input(void) { return input; }
EXPORT(net_output) float *net_output(void) { return buffers[layers[count - 1].to]; }

// ---- weights: float16, or the upper three bytes of float32; all first bytes of a layer, then all second
// ones, ...: so they are sent smaller

static float half(uint32_t bits) {
  union { uint32_t i; float f; } r = {(bits & 0x7fff) << 13};
  r.f *= 0x1p112f; // moves the exponent; the smallest come out right
  r.i |= (bits & 0x8000) << 16;
  return r.f;
}
static float upper_three(uint32_t bits) {
  union { uint32_t i; float f; } r = {bits << 8};
  return r.f;
}
INLINE float weight_at(i32 i, i32 all, i32 bytes) {
  uint32_t bits = 0;
  for (i32 k = bytes - 1; k >= 0; k--) bits = bits << 8 | staged[k * all + i];
  return bytes == 2 ? half(bits) : upper_three(bits);
}

static const double WAY_IN_4[18] = {.25, 0, 0, -1 / 6., -1 / 6., -1 / 6., -1 / 6., 1 / 6., -1 / 6.,
  1 / 24., 1 / 12., 1 / 6., 1 / 24., -1 / 12., 1 / 6., 0, 0, 1};
static const double WAY_IN_2[12] = {1, 0, 0, .5, .5, .5, .5, -.5, .5, 0, 0, 1};

// One 3 × 3 kernel the way Winograd wants it: (m + 2)² numbers, `apart` from one another.
static void winograd_weights(float *to, i32 apart, const double *g, i32 m) {
  const double *G = m == 4 ? WAY_IN_4 : WAY_IN_2;
  i32 a = m + 2;
  double t[18];
  for (i32 r = 0; r < a; r++)
    for (i32 k = 0; k < 3; k++) t[r * 3 + k] = G[r * 3] * g[k] + G[r * 3 + 1] * g[3 + k] + G[r * 3 + 2] * g[6 + k];
  for (i32 r = 0; r < a; r++)
    for (i32 k = 0; k < a; k++)
      to[(r * a + k) * apart] = (float)(t[r * 3] * G[k * 3] + t[r * 3 + 1] * G[k * 3 + 1] + t[r * 3 + 2] * G[k * 3 + 2]);
}

// Takes the staged weights of one layer, [high][wide][channel in][channel out], of so many bytes each.
EXPORT(net_weights) void net_weights(i32 layer, i32 bytes) {
  const Layer *l = layers + layer;
  i32 in = l->c_from, out = l->c_to, m = tile_of(l), all = weights_of(l), K = all / out;
  float *w = prepared[layer];
  if (l->depthwise || l->kind == DENSE) {
    for (i32 i = 0; i < all; i++) w[i] = weight_at(i, all, bytes);
  } else if (!m) { // panels of eight channels: [out / 8][K][8]
    for (i32 k = 0; k < K; k++)
      for (i32 o = 0; o < out; o++) w[(o / 8 * K + k) * 8 + o % 8] = weight_at(k * out + o, all, bytes);
  } else { // [(m + 2)²][out / 8][in][8]
    for (i32 i = 0; i < in; i++)
      for (i32 o = 0; o < out; o++) {
        double g[9];
        for (i32 k = 0; k < 9; k++) g[k] = weight_at((k * in + i) * out + o, all, bytes);
        winograd_weights(w + (o / 8 * in + i) * 8 + o % 8, in * out, g, m);
      }
  }
}

// ---- layers

INLINE vec clipped(vec x, const Layer *l) {
  return wasm_f32x4_pmin(wasm_f32x4_pmax(x, each(l->least)), each(l->most));
}

// Writes eight channels of one pixel of the result: bias and what is added are in `sum` already, or not.
INLINE void put(const Layer *l, i32 pixel, i32 channel, vec low, vec high) {
  i32 at = pixel * l->c_to + channel;
  if (l->plus >= 0) low = plus(low, load(buffers[l->plus] + at)), high = plus(high, load(buffers[l->plus] + at + 4));
  store(buffers[l->to] + at, clipped(low, l)), store(buffers[l->to] + at + 4, clipped(high, l));
}

// sums[4][2] += four rows of `a` times a panel of eight columns.
INLINE void four_by_eight(vec *sums, const float *const *a, const float *panel, i32 K) {
#pragma clang loop unroll_count(4)
  for (i32 k = 0; k < K; k++, panel += 8) {
    vec p = load(panel), q = load(panel + 4);
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      vec s = wasm_v128_load32_splat(a[j] + k);
      sums[2 * j] = plus(sums[2 * j], times(s, p)), sums[2 * j + 1] = plus(sums[2 * j + 1], times(s, q));
    }
  }
}

// The picture that a convolution reads, with its zeros where it needs some; `side` becomes its side.
static const float *with_zeros(const Layer *l, i32 *side) {
  const float *from = buffers[l->from];
  *side = l->n_from;
  if (!needs_zeros(l)) return from;
  i32 c = l->c_from, wanted = side_with_zeros(l), row = l->n_from * c;
  __builtin_memset(bordered, 0, (uint32_t)(wanted * wanted * c) * 4);
  for (i32 y = 0; y < l->n_from; y++)
    __builtin_memcpy(bordered + ((y + l->above) * wanted + l->before) * c, from + y * row, (uint32_t)row * 4);
  *side = wanted;
  return bordered;
}

static void direct(const Layer *l, const float *weights) {
  i32 side, run = l->wide * l->c_from, K = l->high * run, pixels = l->n_to * l->n_to;
  const float *from = with_zeros(l, &side);
  i32 row = side * l->c_from;
  for (i32 block = 0; block < pixels; block += PIXELS_AT_ONCE)
    for (i32 o = 0; o < l->c_to; o += 8) {
      vec low = load(biases + l->biases + o), high = load(biases + l->biases + o + 4);
      for (i32 i = block; i < block + PIXELS_AT_ONCE && i < pixels; i += 4) {
        const float *a[4];
        for (i32 j = 0; j < 4; j++) {
          i32 pixel = i + j < pixels ? i + j : pixels - 1;
          a[j] = from + (pixel / l->n_to * l->step * side + pixel % l->n_to * l->step) * l->c_from;
        }
        vec sums[8] = {low, high, low, high, low, high, low, high};
        for (i32 k = 0; k < l->high; k++) {
          four_by_eight(sums, a, weights + o * K + k * run * 8, run);
          for (i32 j = 0; j < 4; j++) a[j] += row;
        }
        for (i32 j = 0; j < 4 && i + j < pixels; j++) put(l, i + j, o, sums[2 * j], sums[2 * j + 1]);
      }
    }
}

static void each_channel_alone(const Layer *l, const float *weights) {
  i32 side, c = l->c_to;
  const float *from = with_zeros(l, &side);
  for (i32 pixel = 0; pixel < l->n_to * l->n_to; pixel++) {
    const float *corner = from + (pixel / l->n_to * l->step * side + pixel % l->n_to * l->step) * c;
    for (i32 k = 0; k < c; k += 8) {
      vec low = load(biases + l->biases + k), high = load(biases + l->biases + k + 4);
      for (i32 y = 0; y < l->high; y++)
        for (i32 x = 0; x < l->wide; x++) {
          const float *p = corner + (y * side + x) * c + k, *w = weights + (y * l->wide + x) * c + k;
          low = plus(low, times(load(p), load(w))), high = plus(high, times(load(p + 4), load(w + 4)));
        }
      put(l, pixel, k, low, high);
    }
  }
}

// Bᵀ d of Winograd, of numbers `s` apart.
INLINE void way_in(vec *d, i32 s, const i32 m) {
  if (m == 4) {
    vec a = d[0], b = d[s], c = d[2 * s], e = d[3 * s], f = d[4 * s], g = d[5 * s];
    d[0] = plus(times(each(-5), c), plus(times(each(4), a), f));
    d[5 * s] = plus(times(each(-5), e), plus(times(each(4), b), g));
    vec p = plus(times(each(-4), c), f), q = plus(times(each(-4), b), e);
    d[s] = plus(p, q), d[2 * s] = minus(p, q);
    p = minus(f, c), q = times(each(2), minus(e, b));
    d[3 * s] = plus(p, q), d[4 * s] = minus(p, q);
  } else {
    vec a = d[0], b = d[s], c = d[2 * s], e = d[3 * s];
    d[0] = minus(a, c), d[s] = plus(b, c), d[2 * s] = minus(c, b), d[3 * s] = minus(b, e);
  }
}

// Aᵀ d of Winograd.
INLINE void way_out(vec *d, i32 s, const i32 m) {
  if (m == 4) {
    vec p = plus(d[s], d[2 * s]), q = minus(d[s], d[2 * s]);
    vec r = plus(d[3 * s], d[4 * s]), t = minus(d[3 * s], d[4 * s]);
    d[0] = plus(d[0], plus(p, r));
    d[s] = plus(times(each(2), t), q);
    d[2 * s] = plus(times(each(4), r), p);
    d[3 * s] = plus(plus(times(each(8), t), q), d[5 * s]);
  } else {
    vec p = d[s], q = d[2 * s];
    d[0] = plus(d[0], plus(p, q)), d[s] = minus(minus(p, q), d[3 * s]);
  }
}

INLINE void tiles_in(const Layer *l, const float *from, i32 side, i32 first, i32 many, i32 apart, const i32 m) {
  const i32 a = m + 2;
  i32 tiles = tiles_of(l, m), c = l->c_from;
  vec d[36];
  for (i32 t = 0; t < many; t++) {
    const float *corner = from + ((first + t) / tiles * m * side + (first + t) % tiles * m) * c;
    for (i32 k = 0; k < c; k += 4) {
      for (i32 y = 0; y < a; y++)
        for (i32 x = 0; x < a; x++) d[y * a + x] = load(corner + (y * side + x) * c + k);
      for (i32 y = 0; y < a; y++) way_in(d + y * a, 1, m);
      for (i32 x = 0; x < a; x++) way_in(d + x, a, m);
      for (i32 i = 0; i < a * a; i++) store(before_products + i * apart + t * c + k, d[i]);
    }
  }
}

INLINE void tiles_multiplied(const Layer *l, const float *weights, i32 many, i32 in_apart, i32 out_apart, const i32 m) {
  i32 in = l->c_from, out = l->c_to;
  for (i32 i = 0; i < (m + 2) * (m + 2); i++)
    for (i32 o = 0; o < out; o += 8, weights += in * 8)
      for (i32 t = 0; t < many; t += 4) {
        const float *p = before_products + i * in_apart + t * in, *a[4] = {p, p + in, p + 2 * in, p + 3 * in};
        float *q = products + i * out_apart + t * out + o;
        vec sums[8] = {each(0), each(0), each(0), each(0), each(0), each(0), each(0), each(0)};
        four_by_eight(sums, a, weights, in);
        for (i32 j = 0; j < 4; j++) store(q + j * out, sums[2 * j]), store(q + j * out + 4, sums[2 * j + 1]);
      }
}

INLINE void tiles_out(const Layer *l, i32 first, i32 many, i32 apart, const i32 m) {
  const i32 a = m + 2;
  i32 tiles = tiles_of(l, m), out = l->c_to, n = l->n_to;
  vec d[36], e[36];
  for (i32 t = 0; t < many; t++) {
    i32 top = (first + t) / tiles * m, left = (first + t) % tiles * m;
    i32 high = n - top < m ? n - top : m, wide = n - left < m ? n - left : m;
    for (i32 k = 0; k < out; k += 8) {
      for (i32 i = 0; i < a * a; i++) {
        d[i] = load(products + i * apart + t * out + k), e[i] = load(products + i * apart + t * out + k + 4);
      }
      for (i32 x = 0; x < a; x++) way_out(d + x, a, m), way_out(e + x, a, m);
      for (i32 y = 0; y < m; y++) way_out(d + y * a, 1, m), way_out(e + y * a, 1, m);
      vec low = load(biases + l->biases + k), high_bias = load(biases + l->biases + k + 4);
      for (i32 y = 0; y < high; y++)
        for (i32 x = 0; x < wide; x++)
          put(l, (top + y) * n + left + x, k, plus(d[y * a + x], low), plus(e[y * a + x], high_bias));
    }
  }
}

INLINE void winograd(const Layer *l, const float *weights, const i32 m) {
  i32 side, tiles = tiles_of(l, m), all = tiles * tiles;
  const float *from = with_zeros(l, &side);
  for (i32 first = 0; first < all; first += TILES_AT_ONCE) {
    i32 many = all - first < TILES_AT_ONCE ? all - first : TILES_AT_ONCE, whole = (many + 3) & ~3;
    i32 in_apart = whole * l->c_from + 16, out_apart = whole * l->c_to + 16;
    tiles_in(l, from, side, first, many, in_apart, m);
    tiles_multiplied(l, weights, many, in_apart, out_apart, m);
    tiles_out(l, first, many, out_apart, m);
  }
}

static void convolve(const Layer *l, const float *weights) {
  i32 m = tile_of(l);
  if (l->depthwise) each_channel_alone(l, weights);
  else if (m == 4) winograd(l, weights, 4);
  else if (m == 2) winograd(l, weights, 2);
  else direct(l, weights);
}

// Greatest or mean value of windows.
static void pool(const Layer *l, i32 greatest) {
  i32 c = l->c_to, covered = l->high * l->wide;
  for (i32 pixel = 0; pixel < l->n_to * l->n_to; pixel++) {
    const float *corner = buffers[l->from] + (pixel / l->n_to * l->step * l->n_from + pixel % l->n_to * l->step) * c;
    for (i32 k = 0; k < c; k += 4) {
      vec found = load(corner + k);
      for (i32 i = 1; i < covered; i++) {
        vec other = load(corner + (i / l->wide * l->n_from + i % l->wide) * c + k);
        found = greatest ? wasm_f32x4_pmax(found, other) : plus(found, other);
      }
      store(buffers[l->to] + pixel * c + k, greatest ? found : times(found, each(1.f / covered)));
    }
  }
}

static void add(const Layer *l) {
  const float *a = buffers[l->from], *b = buffers[l->plus];
  for (i32 i = 0; i < l->n_to * l->n_to * l->c_to; i += 4)
    store(buffers[l->to] + i, clipped(plus(load(a + i), load(b + i)), l));
}

// Into a larger picture, or beside other channels; the first that copies there puts zeros first.
static void copy(const Layer *l) {
  float *to = buffers[l->to];
  if (l->channel == 0) __builtin_memset(to, 0, (uint32_t)(l->n_to * l->n_to * l->c_to) * 4);
  for (i32 y = 0; y < l->n_from; y++)
    for (i32 x = 0; x < l->n_from; x++)
      __builtin_memcpy(to + (y * l->n_to + x) * l->c_to + l->channel,
                       buffers[l->from] + (y * l->n_from + x) * l->c_from, (uint32_t)l->c_from * 4);
}

static void dense(const Layer *l, const float *weights) {
  for (i32 o = 0; o < l->c_to; o += 4) {
    vec sum = l->biases < 0 ? each(0) : load(biases + l->biases + o);
    for (i32 k = 0; k < l->c_from; k++)
      sum = plus(sum, times(each(buffers[l->from][k]), load(weights + k * l->c_to + o)));
    store(buffers[l->to] + o, clipped(sum, l));
  }
}

static void normalise(const Layer *l) {
  double sum = 0;
  for (i32 i = 0; i < l->c_to; i++) sum += (double)buffers[l->from][i] * buffers[l->from][i];
  float length = (float)__builtin_sqrt(sum);
  length = length > 1e-12f ? length : 1e-12f;
  for (i32 i = 0; i < l->c_to; i++) buffers[l->to][i] = buffers[l->from][i] / length;
}

// The crop's bytes, less an offset, times a factor; `channel` is 1 where red and blue change places.
static void take_input(const Layer *l) {
  const float *numbers = biases + l->biases; // three offsets, three factors
  for (i32 i = 0; i < l->n_to * l->n_to; i++)
    for (i32 k = 0; k < 3; k++)
      buffers[l->to][3 * i + k] = (input[3 * i + (l->channel ? 2 - k : k)] - numbers[k]) * numbers[3 + k];
}

// Runs the program on the crop at `net_input`; its result then lies at `net_output`.
EXPORT(net_run) void net_run(void) {
  for (i32 i = 0; i < count; i++) {
    const Layer *l = layers + i;
    switch (l->kind) {
      case INPUT: take_input(l); break;
      case CONVOLVE: convolve(l, prepared[i]); break;
      case MAX_POOL: pool(l, 1); break;
      case MEAN_POOL: pool(l, 0); break;
      case ADD: add(l); break;
      case COPY: copy(l); break;
      case DENSE: dense(l, prepared[i]); break;
      case NORMALISE: normalise(l); break;
    }
  }
}

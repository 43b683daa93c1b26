// @module gl shaders: blur, stretch and shift as WebGL2 programs, in whole numbers.
//
// Every pass draws one triangle over its target.  Row 0 of a texture is the top of the picture; the
// last pass turns it over for the screen.  Half levels are those of exact_core.js.

const GL_VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(vec2((gl_VertexID & 1) * 4 - 1, (gl_VertexID & 2) * 2 - 1), 0.0, 1.0);
}`;

const GL_HEADER = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
precision highp isampler2D;
uniform int size;
int mirrored(int index) {
  int period = 2 * (size - 1);
  int folded = abs(index) % period;
  return folded < size ? folded : period - folded;
}
ivec2 mirrored(ivec2 place) { return ivec2(mirrored(place.x), mirrored(place.y)); }
`;

/** Sum over the taps (dx, dy, whole weight), as half levels. */
export const GL_BLUR = `${GL_HEADER}
uniform usampler2D picture;
uniform isampler2D taps;
uniform int count;
uniform uint unit;
out uvec4 halfLevels;
uint halfLevel(uint sum) {
  uint whole = sum / unit;
  // Within 1/10000 of the middle between two levels it is neither.
  float rest = float(sum - whole * unit) / float(unit);
  return min(510u, 2u * whole + (rest < 0.4999 ? 0u : rest > 0.5001 ? 2u : 1u));
}
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  uvec3 sum = uvec3(0u);
  for (int i = 0; i < count; i++) {
    ivec3 tap = texelFetch(taps, ivec2(i, 0), 0).xyz;
    sum += uint(tap.z) * texelFetch(picture, mirrored(at + tap.xy), 0).rgb;
  }
  halfLevels = uvec4(halfLevel(sum.r), halfLevel(sum.g), halfLevel(sum.b), 0u);
}`;

/** Least and greatest of every 8 × 8 block; \`first\`: of colours, else of (least, greatest). */
export const GL_RANGE = `${GL_HEADER}
uniform usampler2D picture;
uniform bool first;
out uvec4 range;
void main() {
  ivec2 corner = 8 * ivec2(gl_FragCoord.xy);
  uvec2 found = uvec2(510u, 0u);
  for (int y = corner.y; y < min(corner.y + 8, size); y++) {
    for (int x = corner.x; x < min(corner.x + 8, size); x++) {
      uvec3 part = texelFetch(picture, ivec2(x, y), 0).rgb;
      uvec2 ends = part.rg;
      if (first) {
        ends = uvec2(min(part.r, min(part.g, part.b)), max(part.r, max(part.g, part.b)));
      }
      found = uvec2(min(found.x, ends.x), max(found.y, ends.y));
    }
  }
  range = uvec4(found, 0u, 0u);
}`;

/** Stretch, then shift: whole pixels, and fractions by separable Lanczos taps. */
export const GL_FINISH = `${GL_HEADER}
uniform usampler2D picture;
uniform usampler2D range;
uniform bool stretched;
uniform ivec2 whole;
uniform bvec2 between;
uniform float tapsX[9];
uniform float tapsY[9];
out vec4 colour;
vec3 levels(ivec2 place) {
  uvec3 found = texelFetch(picture, mirrored(place), 0).rgb;
  vec3 level = vec3(found) / 2.0;
  if (stretched) {
    vec2 ends = vec2(texelFetch(range, ivec2(0), 0).rg);
    float spread = ends.y - ends.x;
    level = spread > 0.0 ? (vec3(found) - ends.x) * 255.0 / spread : vec3(0.0);
  }
  bvec3 odd = equal(found & 1u, uvec3(1u)); // not to be rounded before the shift
  return clamp(mix(floor(level + 0.5), level, odd), 0.0, 255.0);
}
void main() {
  ivec2 at = ivec2(int(gl_FragCoord.x), size - 1 - int(gl_FragCoord.y));
  ivec2 from = at - whole;
  ivec2 reach = ivec2(between.x ? 4 : 0, between.y ? 4 : 0);
  vec3 sum = vec3(0.0);
  for (int y = -reach.y; y <= reach.y; y++) {
    vec3 row = vec3(0.0);
    for (int x = -reach.x; x <= reach.x; x++) row += tapsX[x + 4] * levels(from + ivec2(x, y));
    sum += tapsY[y + 4] * row;
  }
  colour = vec4(clamp(floor(sum + 0.5), 0.0, 255.0) / 255.0, 1.0);
}`;

/** A linked program and its uniforms by name; throws with the compiler's words. */
export function buildProgram(gl, fragmentSource) {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, GL_VERTEX],
    [gl.FRAGMENT_SHADER, fragmentSource],
  ]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) || "the shader does not link");
  }
  const uniforms = {};
  for (let i = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) - 1; i >= 0; i--) {
    const { name } = gl.getActiveUniform(program, i);
    uniforms[name.replace("[0]", "")] = gl.getUniformLocation(program, name);
  }
  return { program, uniforms };
}

/** An unfiltered texture of whole numbers; `data` null for a target to draw on. */
export function buildTexture(gl, [internal, format, type], width, height, data) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
  }
  gl.texImage2D(gl.TEXTURE_2D, 0, internal, width, height, 0, format, type, data);
  return texture;
}

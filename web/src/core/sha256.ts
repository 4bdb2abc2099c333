// SHA-256 (FIPS 180-4) in plain code, for pages on http://192.168.x.x, where browsers hide WebCrypto.
//
// Slower than WebCrypto by an order of magnitude (a 4 MB photo takes a fraction of a second); the
// port in src/ports/photos.ts prefers WebCrypto. A photo is addressed by this digest.

const K = constants()

/** Lower-case hex digest of the bytes. */
export function sha256Hex(bytes: Uint8Array): string {
  const state = new Uint32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ])
  const whole = bytes.length - (bytes.length % 64)
  const words = new Uint32Array(64)
  for (let at = 0; at < whole; at += 64) absorb(state, words, bytes, at)
  const tail = padded(bytes.subarray(whole), bytes.length)
  for (let at = 0; at < tail.length; at += 64) absorb(state, words, tail, at)
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('')
}

function padded(rest: Uint8Array, total: number): Uint8Array {
  const tail = new Uint8Array(rest.length < 56 ? 64 : 128)
  tail.set(rest)
  tail[rest.length] = 0x80
  const view = new DataView(tail.buffer)
  view.setUint32(tail.length - 8, Math.floor(total / 0x20000000))
  view.setUint32(tail.length - 4, (total << 3) >>> 0)
  return tail
}

const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n))

function absorb(state: Uint32Array, w: Uint32Array, bytes: Uint8Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 64)
  for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(i * 4)
  for (let i = 16; i < 64; i += 1) {
    const a = w[i - 15]!
    const b = w[i - 2]!
    const s0 = rotr(a, 7) ^ rotr(a, 18) ^ (a >>> 3)
    const s1 = rotr(b, 17) ^ rotr(b, 19) ^ (b >>> 10)
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    number, number, number, number, number, number, number, number,
  ]
  for (let i = 0; i < 64; i += 1) {
    const t1 = (h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0
    const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
  }
  const next = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i += 1) state[i] = (state[i]! + next[i]!) | 0
}

/** First 32 bits of the fractions of the cube roots of the first 64 primes. */
function constants(): Uint32Array {
  const found: number[] = []
  for (let n = 2; found.length < 64; n += 1) {
    let prime = true
    for (let q = 2; q * q <= n && prime; q += 1) prime = n % q !== 0
    if (prime) found.push(Math.floor((Math.cbrt(n) % 1) * 0x100000000))
  }
  return new Uint32Array(found)
}

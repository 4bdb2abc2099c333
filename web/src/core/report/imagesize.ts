// Width and height of a photo from its first bytes, so that a picture which is too large is known before a
// cheap phone tries to decode it.

export interface ImageSize {
  width: number
  height: number
}

const at16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
const at32 = (bytes: Uint8Array, at: number): number => at16(bytes, at) * 65_536 + at16(bytes, at + 2)
const little = (bytes: Uint8Array, at: number, count: number): number =>
  Array.from({ length: count }, (_, i) => (bytes[at + i] ?? 0) * 256 ** i).reduce((sum, one) => sum + one, 0)
const says = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0))

/** Of a JPEG, PNG or WebP; null where the bytes do not say. */
export function imageSize(bytes: Uint8Array): ImageSize | null {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegSize(bytes)
  if (says(bytes, 1, 'PNG') && says(bytes, 12, 'IHDR')) return sized(at32(bytes, 16), at32(bytes, 20))
  if (says(bytes, 0, 'RIFF') && says(bytes, 8, 'WEBP')) return webpSize(bytes)
  return null
}

const sized = (width: number, height: number): ImageSize | null => (width > 0 && height > 0 ? { width, height } : null)

function jpegSize(bytes: Uint8Array): ImageSize | null {
  let at = 2
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const mark = bytes[at + 1] ?? 0
    // A frame header: C0 to CF without the tables C4, C8 and CC.
    if (mark >= 0xc0 && mark <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(mark)) return sized(at16(bytes, at + 7), at16(bytes, at + 5))
    at += 2 + at16(bytes, at + 2)
  }
  return null
}

function webpSize(bytes: Uint8Array): ImageSize | null {
  if (says(bytes, 12, 'VP8X')) return sized(little(bytes, 24, 3) + 1, little(bytes, 27, 3) + 1)
  if (says(bytes, 12, 'VP8 ')) return sized(little(bytes, 26, 2) & 0x3fff, little(bytes, 28, 2) & 0x3fff)
  if (says(bytes, 12, 'VP8L')) {
    const packed = little(bytes, 21, 4)
    return sized((packed & 0x3fff) + 1, (Math.floor(packed / 0x4000) & 0x3fff) + 1)
  }
  return null
}

/** What the server decodes at most; its own limit, in gridmgmt/adapters/evidence/image_worker.py. */
export const MOST_PIXELS = 50 * 2 ** 20
/** The longer side of the smaller copy that is sent in place of a larger picture. */
export const SCALED_SIDE = 4096

/** How large the copy is to be that is sent in place of a picture; null where the picture itself is sent. */
export function scaledSize({ width, height }: ImageSize, bytes: number, limit_bytes: number): ImageSize | null {
  if (width * height <= MOST_PIXELS && bytes <= limit_bytes) return null
  const share = Math.min(1, SCALED_SIDE / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * share)), height: Math.max(1, Math.round(height * share)) }
}

import { describe, expect, it } from 'vitest'
import { imageSize, scaledSize } from '../../../src/core/report/imagesize.ts'

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0))
const JPEG = [0xff, 0xd8, 0xff, 0xe1, 0, 6, 1, 2, 3, 4, 0xff, 0xc0, 0, 17, 8, 0x0b, 0xb8, 0x0f, 0xa0, 3, 1, 0x22, 0, 2]
const PNG = [0x89, ...ascii('PNG'), 13, 10, 26, 10, 0, 0, 0, 13, ...ascii('IHDR'), 0, 0, 2, 128, 0, 0, 1, 224]
const WEBP = [...ascii('RIFF'), 0, 0, 0, 0, ...ascii('WEBPVP8X'), 10, 0, 0, 0, 0, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]

describe('the size of a photo by its first bytes', () => {
  it.each([
    ['JPEG behind the notes of its camera', JPEG, { width: 4000, height: 3000 }],
    ['PNG', PNG, { width: 640, height: 480 }],
    ['WebP', WEBP, { width: 640, height: 480 }],
  ])('is read of a %s', (_, bytes, size) => {
    expect(imageSize(new Uint8Array(bytes))).toEqual(size)
  })

  it('is not made up where the bytes do not say', () => {
    expect(imageSize(new Uint8Array(JPEG.slice(0, 12)))).toBeNull()
    expect(imageSize(new Uint8Array(ascii('not a picture at all')))).toBeNull()
  })
})

describe('a smaller copy', () => {
  it('is never made of what the server takes', () => {
    expect(scaledSize({ width: 8160, height: 6120 }, 20e6, 25e6)).toBeNull()
  })

  it('is made of what has too many pixels or bytes, in the same proportions', () => {
    expect(scaledSize({ width: 12_000, height: 9_000 }, 20e6, 25e6)).toEqual({ width: 4096, height: 3072 })
    expect(scaledSize({ width: 4000, height: 3000 }, 26e6, 25e6)).toEqual({ width: 4000, height: 3000 })
  })
})

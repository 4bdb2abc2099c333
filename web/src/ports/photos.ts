// A chosen file as evidence: its type by its first bytes, its SHA-256, and the bytes untouched.
//
// Nothing is scaled or re-encoded, with two exceptions: a format the server does not take (an iPhone's HEIC)
// is turned into JPEG where the browser can read it, and a picture beyond the server's limits is sent as a
// smaller copy that says so. What the camera noted inside (a place, a time) is not read: the device's own
// position and clock are what a report says.

import type { PhotoRef } from '../core/outbox.ts'
import { imageSize, scaledSize } from '../core/report/imagesize.ts'
import type { ImageSize } from '../core/report/imagesize.ts'
import { sha256Hex } from '../core/sha256.ts'

/** The server's limit, so that a worker hears of it before waiting for an upload. */
export const PHOTO_LIMIT_BYTES = 25 * 1024 * 1024

export interface TakenPhoto extends PhotoRef {
  blob: Blob
  /** A smaller copy: the picture itself is beyond what the server takes, and stays in the camera. */
  scaled?: boolean
}

export type PhotoFault = 'not_image' | 'photo_too_large'

const QUALITY = 0.9
const SMALL_SIDE = 360

/** Reads a file. Rejects with a PhotoFault. */
export async function takePhoto(file: Blob): Promise<TakenPhoto> {
  const head = new Uint8Array(await file.slice(0, 512 * 1024).arrayBuffer())
  const media_type = mediaType(head)
  if (!media_type) return taken(await drawn(file, null, 'not_image'), 'image/jpeg', false)
  const size = imageSize(head)
  const smaller = size ? scaledSize(size, file.size, PHOTO_LIMIT_BYTES) : null
  if (smaller) return taken(await drawn(file, smaller, 'photo_too_large'), 'image/jpeg', true)
  if (file.size > PHOTO_LIMIT_BYTES) throw 'photo_too_large' satisfies PhotoFault
  return taken(file, media_type, false)
}

async function taken(given: Blob, media_type: string, scaled: boolean): Promise<TakenPhoto> {
  const bytes = new Uint8Array(await given.arrayBuffer())
  if (bytes.length > PHOTO_LIMIT_BYTES) throw 'photo_too_large' satisfies PhotoFault
  const blob = given.type === media_type ? given : new Blob([bytes], { type: media_type })
  return { sha256: await digest(bytes), media_type, bytes: bytes.length, blob, scaled }
}

/** A small picture for this phone's own lists; null where the browser cannot make one. */
export async function smallOf(photo: Blob): Promise<Blob | null> {
  try {
    return await drawn(photo, { width: SMALL_SIDE, height: 0 }, 'not_image')
  } catch {
    return null
  }
}

function mediaType(bytes: Uint8Array): string | null {
  const starts = (at: number, text: string): boolean =>
    [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0))
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'image/jpeg'
  if (bytes[0] === 0x89 && starts(1, 'PNG')) return 'image/png'
  return starts(0, 'RIFF') && starts(8, 'WEBP') ? 'image/webp' : null
}

/** The picture as JPEG, shrunk while it is decoded, so that no full-size canvas is ever held. */
async function drawn(file: Blob, size: ImageSize | null, fault: PhotoFault): Promise<Blob> {
  const wanted: ImageBitmapOptions = size ? { resizeWidth: size.width, resizeQuality: 'high' } : {}
  if (size?.height) wanted.resizeHeight = size.height
  const image = await createImageBitmap(file, wanted).catch(() => {
    throw fault
  })
  try {
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext('2d')?.drawImage(image, 0, 0)
    return await new Promise((resolve, reject: (why: PhotoFault) => void) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(fault)), 'image/jpeg', QUALITY)
    })
  } finally {
    image.close()
  }
}

/** SHA-256 in hex. */
export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Browsers hide WebCrypto on http://192.168.x.x.
  if (!globalThis.crypto?.subtle) return sha256Hex(bytes)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

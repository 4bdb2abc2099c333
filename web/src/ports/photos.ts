// A chosen file as evidence: its type by its first bytes, its SHA-256, and the bytes untouched.
//
// Nothing is scaled or re-encoded, with one exception: a format the server does not take (an iPhone's
// HEIC) is turned into JPEG where the browser can read it.

import type { PhotoRef } from '../core/outbox.ts'
import { sha256Hex } from '../core/sha256.ts'

/** The server's limit, so that a worker hears of it before waiting for an upload. */
export const PHOTO_LIMIT_BYTES = 25 * 1024 * 1024

export interface TakenPhoto extends PhotoRef {
  blob: Blob
}

export type PhotoFault = 'not_image' | 'photo_too_large'

/** Reads a file. Rejects with a PhotoFault. */
export async function takePhoto(file: Blob): Promise<TakenPhoto> {
  let blob = file
  let bytes = new Uint8Array(await blob.arrayBuffer())
  let media_type = mediaType(bytes)
  if (!media_type) {
    blob = await asJpeg(file)
    bytes = new Uint8Array(await blob.arrayBuffer())
    media_type = 'image/jpeg'
  }
  if (bytes.length > PHOTO_LIMIT_BYTES) throw 'photo_too_large' satisfies PhotoFault
  return {
    sha256: await digest(bytes),
    media_type,
    bytes: bytes.length,
    blob: blob.type === media_type ? blob : new Blob([bytes], { type: media_type }),
  }
}

function mediaType(bytes: Uint8Array): string | null {
  const starts = (at: number, text: string): boolean =>
    [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0))
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'image/jpeg'
  if (bytes[0] === 0x89 && starts(1, 'PNG')) return 'image/png'
  return starts(0, 'RIFF') && starts(8, 'WEBP') ? 'image/webp' : null
}

async function asJpeg(file: Blob): Promise<Blob> {
  const image = await createImageBitmap(file).catch(() => {
    throw 'not_image' satisfies PhotoFault
  })
  const canvas = document.createElement('canvas')
  canvas.width = image.width
  canvas.height = image.height
  canvas.getContext('2d')?.drawImage(image, 0, 0)
  return new Promise((resolve, reject: (why: PhotoFault) => void) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject('not_image')), 'image/jpeg', 0.92)
  })
}

/** SHA-256 in hex. */
export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Browsers hide WebCrypto on http://192.168.x.x.
  if (!globalThis.crypto?.subtle) return sha256Hex(bytes)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

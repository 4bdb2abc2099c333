// Photos on their way to the server before the command that names them.

import { call } from '../../ports/http.ts'
import type { TakenPhoto } from '../../ports/photos.ts'
import { PHOTO_TIMEOUT_MS } from '../../ports/transport.ts'

/** Stores photos one after the other; their names, which a command then carries. A stored one again is harmless. */
export async function storePhotos(photos: readonly TakenPhoto[]): Promise<string[]> {
  for (const photo of photos) {
    await call(`/photos/${photo.sha256}`, { method: 'PUT', body: photo.blob, timeout_ms: PHOTO_TIMEOUT_MS })
  }
  return photos.map((photo) => photo.sha256)
}

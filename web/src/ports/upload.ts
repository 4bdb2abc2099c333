// One photo over the tus protocol: from where the last attempt broke, in pieces, each of which is in the ledger
// before the next is sent.

import { Upload } from 'tus-js-client'
import type { DetailedError } from 'tus-js-client'
import type { Outcome, Transport } from '../core/outbox.ts'
import { API, asFault, NetworkFault } from './http.ts'
import { outcomeOf } from './outcome.ts'

/** Small enough that progress is seen on a bad line; what breaks within a piece is kept by the server as well. */
const PIECE_BYTES = 512 * 1024
/** Nothing moved for so long: the line is dead, whatever the phone believes. */
const SILENCE_MS = 45_000
/** A piece whose answer was lost is asked for at once; everything else waits for the outbox's next round. */
const AGAIN_MS = [0]

export const uploadPhoto: Transport['upload'] = (photo, body, owner, news) =>
  new Promise<Outcome<unknown>>((resolve) => {
    let told: Promise<void> = Promise.resolve()
    let silence: ReturnType<typeof setTimeout> | undefined
    const done = (outcome: Outcome<unknown>): void => {
      clearTimeout(silence)
      // The ledger is written before the outbox goes on. Where it cannot be, the next attempt asks the server how
      // far the photo is; a round that never ended would hold up every tab.
      void told.catch(() => undefined).then(() => resolve(outcome))
    }
    const heard = (): void => {
      clearTimeout(silence)
      silence = setTimeout(() => void upload.abort().finally(() => done({ kind: 'no_network' })), SILENCE_MS)
    }
    const note = (what: Parameters<typeof news>[0]): void => {
      told = told.then(() => news(what))
    }
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (owner.person_id) headers['Sent-By'] = owner.person_id
    if (owner.behalf) headers['On-Behalf-Of'] = owner.behalf
    // Stored blobs may come back from IndexedDB without their type.
    const upload = new Upload(new Blob([body as Blob], { type: photo.media_type }), {
      endpoint: `${API}/uploads`,
      uploadUrl: photo.upload_url,
      chunkSize: PIECE_BYTES,
      headers,
      metadata: { sha256: photo.sha256, filetype: photo.media_type },
      retryDelays: AGAIN_MS,
      storeFingerprintForResuming: false,
      onUploadUrlAvailable: () => upload.url && note({ url: upload.url }),
      onProgress: heard,
      onChunkComplete: (_size, accepted) => note({ sent_bytes: accepted }),
      onSuccess: () => done({ kind: 'done', value: null }),
      onError: (fault) => done(outcomeOfUpload(fault)),
    })
    heard()
    upload.start()
  })

function outcomeOfUpload(fault: Error | DetailedError): Outcome<unknown> {
  const answer = 'originalResponse' in fault ? fault.originalResponse : null
  if (!answer?.getStatus()) return outcomeOf(new NetworkFault(fault.message))
  let body: unknown = null
  try {
    body = JSON.parse(answer.getBody())
  } catch {
    // An answer without a body, or a proxy's page.
  }
  // Its place was taken by another attempt, or it is gone: the next attempt begins it anew.
  if ([404, 409, 410, 423].includes(answer.getStatus())) return { kind: 'server_fault', problem: null, retry_after_s: null }
  return outcomeOf(asFault(answer.getStatus(), body, answer.getHeader('Retry-After') ?? null))
}

// A voice note by the browser's recorder: Opus, mono, small enough for a bad network, two minutes at most.

import type { PhotoRef } from '../core/outbox.ts'
import { digest } from './photos.ts'

export const LONGEST_MS = 120_000
/** Speech is clear at this rate; two minutes are less than half a megabyte. */
const BITS_PER_SECOND = 24_000
/** What the server takes: one codec in two containers. */
const KINDS = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus'] as const

export interface TakenRecording extends PhotoRef {
  duration_ms: number
  blob: Blob
}

export type VoiceFault = 'denied' | 'no_microphone' | 'failed'

export interface Recording {
  /** Ends it; `taken` resolves. */
  stop(): void
  /** Null when nothing was heard or it was given up. */
  taken: Promise<TakenRecording | null>
}

const kind = (): string | undefined =>
  typeof MediaRecorder === 'undefined' ? undefined : KINDS.find((one) => MediaRecorder.isTypeSupported(one))

/** Whether this browser records what the server takes; without a secure connection none does. */
export const canRecord = (): boolean =>
  globalThis.isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia) && kind() !== undefined

/** Begins to record. Rejects with a VoiceFault. */
export async function record(): Promise<Recording> {
  const stream = await navigator.mediaDevices
    .getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } })
    .catch((why: unknown) => {
      const name = why instanceof DOMException ? why.name : ''
      throw (name === 'NotAllowedError' ? 'denied' : name === 'NotFoundError' ? 'no_microphone' : 'failed') satisfies VoiceFault
    })
  const recorder = new MediaRecorder(stream, { mimeType: kind() ?? KINDS[0], audioBitsPerSecond: BITS_PER_SECOND })
  const pieces: Blob[] = []
  const began = performance.now()
  recorder.ondataavailable = ({ data }) => data.size && pieces.push(data)
  const limit = setTimeout(() => recorder.state !== 'inactive' && recorder.stop(), LONGEST_MS)
  const taken = new Promise<TakenRecording | null>((resolve, reject) => {
    recorder.onerror = () => reject('failed' satisfies VoiceFault)
    recorder.onstop = () => {
      clearTimeout(limit)
      // The microphone's lamp goes out at once.
      stream.getTracks().forEach((track) => track.stop())
      resolve(finished(pieces, recorder.mimeType, Math.round(performance.now() - began)))
    }
  })
  recorder.start()
  return { stop: () => recorder.state !== 'inactive' && recorder.stop(), taken }
}

async function finished(pieces: Blob[], mime: string, duration_ms: number): Promise<TakenRecording | null> {
  const media_type = mime.split(';')[0] ?? 'audio/webm'
  const blob = new Blob(pieces, { type: media_type })
  if (!blob.size) return null
  const bytes = new Uint8Array(await blob.arrayBuffer())
  return { sha256: await digest(bytes), media_type, bytes: bytes.length, duration_ms, blob }
}

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { call, fetchBytes, NetworkFault } from '../../src/ports/http.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A line that brings the given pieces, ten seconds apart, and then nothing more. */
function stubLine(pieces: string[], ends: boolean): void {
  vi.stubGlobal('fetch', async (_url: string, { signal }: RequestInit) => {
    const body = new ReadableStream({
      start(line) {
        signal?.addEventListener('abort', () => line.error(new DOMException('aborted', 'AbortError')))
        pieces.forEach((piece, n) => setTimeout(() => line.enqueue(bytes(piece)), n * 10_000))
        if (ends) setTimeout(() => line.close(), pieces.length * 10_000)
      },
    })
    return new Response(body, { headers: { ETag: '"1"' } })
  })
}

test.each([
  ['an answer', () => call('/cases')],
  ['a pack', () => fetchBytes('/packs/1', null)],
])('%s that stops in the middle is no network, and is not waited for without end', async (_, ask) => {
  stubLine(['{"items": ['], false)
  const fault = ask().then(() => null, (why: unknown) => why)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await Promise.race([fault, Promise.resolve('waits')])).toBeInstanceOf(NetworkFault)
})

test('a server that never answers a pack is no network', async () => {
  vi.stubGlobal('fetch', (_url: string, { signal }: RequestInit) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted')))))
  const fault = fetchBytes('/packs/1', null).then(() => null, (why: unknown) => why)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await Promise.race([fault, Promise.resolve('waits')])).toBeInstanceOf(NetworkFault)
})

test('a slow line that goes on bringing something is waited for', async () => {
  stubLine(['{"it', 'ems":', ' [1', ',2]', '}'], true)
  const answer = call('/cases')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await answer).toEqual({ items: [1, 2] })
})

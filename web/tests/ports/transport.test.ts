import { afterEach, expect, test, vi } from 'vitest'
import { makeReport } from '../core/builders.ts'
import { httpTransport } from '../../src/ports/transport.ts'

afterEach(() => vi.unstubAllGlobals())

function answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
  vi.stubGlobal('fetch', async () => new Response(body === null ? null : JSON.stringify(body), { status, headers }))
}

const problem = (code: string, status: number, facts = {}) => ({ code, status, detail: code, article: null, facts })

test('a stored report is done', async () => {
  answer(201, { id: 'x' })
  expect({ kind: 'done', value: { id: 'x' } }).toEqual(await httpTransport.postReport(makeReport()))
})

test.each([
  [422, 'outside_area'],
  [409, 'content_differs'],
  [413, 'too_large'],
  [403, 'not_allowed'],
  [400, 'invalid_input'],
])('%i %s refuses the report', async (status, code) => {
  answer(status, problem(code, status))
  const outcome = await httpTransport.postReport(makeReport())
  expect(['refused', code]).toEqual([outcome.kind, outcome.kind === 'refused' && outcome.problem.code])
})

test.each([500, 502, 503, 408, 425, 429])('%i is no fault of the report', async (status) => {
  answer(status, problem('unavailable', status))
  expect('server_fault').toBe((await httpTransport.postReport(makeReport())).kind)
})

test('the pause that the server asks for is read from the header, else from the facts', async () => {
  answer(503, problem('unavailable', 503, { retry_after_s: 9 }), { 'Retry-After': '7' })
  expect(7).toBe((await httpTransport.postReport(makeReport()) as { retry_after_s: number }).retry_after_s)
  answer(503, problem('unavailable', 503, { retry_after_s: 9 }))
  expect(9).toBe((await httpTransport.postReport(makeReport()) as { retry_after_s: number }).retry_after_s)
})

test('an ended session keeps the report', async () => {
  answer(401, problem('not_signed_in', 401))
  expect('signed_out').toBe((await httpTransport.postReport(makeReport())).kind)
})

test('no answer at all is no network', async () => {
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('Failed to fetch')))
  expect({ kind: 'no_network' }).toEqual(await httpTransport.postReport(makeReport()))
})

test('a page of a proxy instead of JSON is a fault on the way, not of the report', async () => {
  vi.stubGlobal('fetch', async () => new Response('<html>sign in to the WLAN</html>', { status: 200 }))
  expect('server_fault').toBe((await httpTransport.postReport(makeReport())).kind)
})

test('a photo is put under its digest with its type', async () => {
  const asked: [string, RequestInit][] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    asked.push([url, init])
    return new Response('{}', { status: 201 })
  })
  const photo = { sha256: 'a'.repeat(64), media_type: 'image/png', bytes: 3 }
  await httpTransport.putPhoto(photo, new Blob(['abc']))
  const [url, init] = asked[0] ?? ['', {}]
  expect([`/api/v1/photos/${photo.sha256}`, 'PUT']).toEqual([url, init.method])
  expect('image/png').toBe(new Headers(init.headers).get('Content-Type'))
})

import { afterEach, expect, test, vi } from 'vitest'
import type { Entry } from '../../src/core/outbox.ts'
import { ME, makeJob, makeMove } from '../core/builders.ts'
import { onSignedOut } from '../../src/ports/http.ts'
import { httpTransport } from '../../src/ports/transport.ts'

afterEach(() => vi.unstubAllGlobals())

function answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
  vi.stubGlobal('fetch', async () => new Response(body === null ? null : JSON.stringify(body), { status, headers }))
}

const NOW = '2026-11-23T02:00:00.000Z'
const entryOf = (job: object): Entry => ({ ...job, person_id: ME }) as Entry
const send = (job: object = makeJob()[0]) => httpTransport.send(entryOf(job), NOW)

const problem = (code: string, status: number, facts = {}) => ({ code, status, detail: code, article: null, facts })

test('a stored report is done', async () => {
  answer(201, { id: 'x' })
  expect({ kind: 'done', value: { id: 'x' } }).toEqual(await send())
})

test.each([
  [422, 'outside_area'],
  [409, 'content_differs'],
  [413, 'too_large'],
  [403, 'not_allowed'],
  [400, 'invalid_input'],
])('%i %s refuses the report', async (status, code) => {
  answer(status, problem(code, status))
  const outcome = await send()
  expect(['refused', code]).toEqual([outcome.kind, outcome.kind === 'refused' && outcome.problem.code])
})

test.each([500, 502, 503, 408, 425, 429])('%i is no fault of the report', async (status) => {
  answer(status, problem('unavailable', status))
  expect('server_fault').toBe((await send()).kind)
})

test('the pause that the server asks for is read from the header, else from the facts', async () => {
  answer(503, problem('unavailable', 503, { retry_after_s: 9 }), { 'Retry-After': '7' })
  expect(7).toBe((await send() as { retry_after_s: number }).retry_after_s)
  answer(503, problem('unavailable', 503, { retry_after_s: 9 }))
  expect(9).toBe((await send() as { retry_after_s: number }).retry_after_s)
})

test('an ended session keeps the report', async () => {
  answer(401, problem('not_signed_in', 401))
  expect('signed_out').toBe((await send()).kind)
})

test('what somebody else wrote is kept, and is not taken for the end of the session', async () => {
  const heard: string[] = []
  onSignedOut((now) => heard.push(now))
  answer(401, problem('sender_differs', 401))
  expect('signed_out').toBe((await send()).kind)
  expect(heard).toEqual(['somebody_else'])
})

test('no answer at all is no network', async () => {
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('Failed to fetch')))
  expect({ kind: 'no_network' }).toEqual(await send())
})

test('a page of a proxy instead of JSON is a fault on the way, not of the report', async () => {
  vi.stubGlobal('fetch', async () => new Response('<html>sign in to the WLAN</html>', { status: 200 }))
  expect('server_fault').toBe((await send()).kind)
})

test('a report and a sighting say whose they are and what the phone’s clock says; a move of a case only whose it is', async () => {
  const asked: RequestInit[] = []
  vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
    asked.push(init)
    return new Response('{}', { status: 201 })
  })
  await send()
  await send({ ...makeMove(1, 'sign_for', 3), kind: 'sighting' })
  await send(makeMove(1, 'sign_for', 3))
  expect([ME, ME, ME]).toEqual(asked.map((init) => new Headers(init.headers).get('Sent-By')))
  expect([NOW, NOW, undefined]).toEqual(asked.map((init) => JSON.parse(String(init.body)).sent_at))
})

test('how a case stands is what may be done to it now, by this person', async () => {
  answer(200, { version: 5, state: 'handled', updated_at: NOW, legal: [{ action: 'verify', may: 'do' }, { action: 'close', may: null }] })
  const found = await httpTransport.look({ kind: 'case', id: 'x' }, { person_id: ME, behalf: null })
  expect({ kind: 'done', value: { version: 5, state: 'handled', legal: ['verify'], updated_at: NOW } }).toEqual(found)
})

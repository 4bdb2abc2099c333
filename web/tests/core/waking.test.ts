import { expect, test, vi } from 'vitest'
import { lineOf, startWaking } from '../../src/sw/waking.ts'

const said = (value: unknown) => ({ json: () => value })

test('a line is shown as it came, once for each tag', () => {
  expect(lineOf(said({ text: 'Something waits for you.', tag: 'n1' }))).toEqual({ text: 'Something waits for you.', tag: 'n1' })
})

test.each([null, said(null), said({ text: 5, tag: 'x' }), said({ text: 'x'.repeat(201), tag: 'x' }), { json: () => JSON.parse('{') as unknown }])(
  'what cannot be read still wakes, with a sentence of our own: %#',
  (data) => {
    expect(lineOf(data).tag).toBe('waiting')
    expect(lineOf(data).text).toContain('Something waits')
  },
)

test('a push shows one sentence, and a tap opens the inbox of the page that is open', async () => {
  const heard = new Map<string, (event: unknown) => void>()
  const shown: unknown[][] = []
  const page = { url: 'https://grid.example/field#home', postMessage: vi.fn(), focus: vi.fn(async () => undefined) }
  const worker = {
    addEventListener: (kind: string, listener: (event: unknown) => void) => heard.set(kind, listener),
    registration: { showNotification: async (...given: unknown[]) => void shown.push(given) },
    clients: { matchAll: async () => [page], openWindow: vi.fn() },
  }
  startWaking(worker as unknown as ServiceWorkerGlobalScope)
  const works: Promise<unknown>[] = []
  const waitUntil = (work: Promise<unknown>): void => void works.push(work)
  heard.get('push')?.({ data: said({ text: '有新的消息等您查看。', tag: 'n1' }), waitUntil })
  expect(shown).toEqual([['网格工作台', { body: '有新的消息等您查看。', tag: 'n1', lang: 'zh-CN' }]])
  const close = vi.fn()
  heard.get('notificationclick')?.({ notification: { close }, waitUntil })
  await Promise.all(works)
  expect([close.mock.calls.length, page.focus.mock.calls.length]).toEqual([1, 1])
  expect(page.postMessage).toHaveBeenCalledWith({ open: 'inbox' })
  expect(worker.clients.openWindow).not.toHaveBeenCalled()
})

test('without an open page a tap opens one at the inbox', async () => {
  const heard = new Map<string, (event: unknown) => void>()
  const openWindow = vi.fn(async () => null)
  const worker = {
    addEventListener: (kind: string, listener: (event: unknown) => void) => heard.set(kind, listener),
    registration: {},
    clients: { matchAll: async () => [{ url: 'https://grid.example/' }], openWindow },
  }
  startWaking(worker as unknown as ServiceWorkerGlobalScope)
  let work: Promise<unknown> = Promise.resolve()
  heard.get('notificationclick')?.({ notification: { close: () => undefined }, waitUntil: (one: Promise<unknown>) => (work = one) })
  await work
  expect(openWindow).toHaveBeenCalledWith('/field#inbox')
})

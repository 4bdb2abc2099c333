// @vitest-environment happy-dom
import { createApp, h, nextTick } from 'vue'
import { afterEach, expect, test, vi } from 'vitest'
import type { Notification } from '../../src/api/types.ts'
import { i18n } from '../../src/ui/i18n.ts'
import { hearInbox, inbox } from '../../src/ui/inbox/inbox.ts'
import InboxList from '../../src/ui/inbox/InboxList.vue'

const told = (over: Partial<Notification>): Notification =>
  ({
    id: 'n1', kind: 'case_dispatched', kind_name: '派遣', text: '', case_id: 'c1', at: '2026-11-23T02:00:00Z', facts: { number: 'P-1' },
    because: 'worker', instead_of: null, instead_of_name: null, absence: null, rung: null, read_at: null, acknowledged_at: null, ...over,
  }) as Notification

async function show(items: Notification[]): Promise<HTMLElement> {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ items, unread: items.length, owed: 0 }), { headers: { 'Content-Type': 'application/json' } }))
  hearInbox({ kind: 'inbox_changed' })
  await vi.waitFor(() => expect(inbox.items.map((one) => one.id)).toEqual(items.map((one) => one.id)))
  const root = document.createElement('div')
  createApp({ render: () => h(InboxList) }).use(i18n).mount(root)
  await nextTick()
  return root
}

afterEach(() => vi.unstubAllGlobals())

test('only what asks for it is acknowledged: a rung of the ladder that was not yet', async () => {
  const root = await show([
    told({ id: 'plain' }),
    told({ id: 'rung', kind: 'case_escalated', rung: 2, facts: { number: 'P-2', percent: 100 } }),
    told({ id: 'signed', kind: 'case_escalated', rung: 1, facts: { number: 'P-3', percent: 50 }, acknowledged_at: '2026-11-23T02:30:00Z' }),
  ])
  const lines = [...root.querySelectorAll('li')]
  expect(lines.map((line) => line.querySelector('[data-testid=inbox-acknowledge]') !== null)).toEqual([false, true, false])
})

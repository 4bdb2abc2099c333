// The inbox 收件箱 of whoever acts: read when the stream says that it changed, and by polling while it is down.
// It is a person's own: whoever acts in another's post reads his own inbox all the same.

import { reactive, readonly, watch } from 'vue'
import type { Inbox, Notification, StreamEvent } from '../../api/types.ts'
import { Refresher } from '../../core/refresher.ts'
import { call, query } from '../../ports/http.ts'
import type { StreamState } from '../../ports/stream.ts'
import { session } from '../session.ts'

const PAGE = 30
const READ_MS = 800
const POLL_MS = 15_000

interface State {
  items: Notification[]
  unread: number
  owed: number
  more: boolean
  state: 'reading' | 'read' | 'failed'
}

const current = reactive<State>({ items: [], unread: 0, owed: 0, more: false, state: 'reading' })
export const inbox = readonly(current) as Readonly<State>

const refresher = new Refresher(read, READ_MS, {
  now: () => Date.now(),
  after: (ms, work) => void setTimeout(work, ms),
})

let stream: StreamState = 'connecting'

async function read(): Promise<void> {
  const person = session.me?.id
  try {
    const page = await call<Inbox>(`/inbox${query({ limit: PAGE })}`, { behalf: null })
    if (person !== session.me?.id) return
    // Older pages that were read stay below; what is in the newest page replaces what was known of it.
    const seen = new Set(page.items.map((one) => one.id))
    const last = page.items.at(-1)?.at ?? ''
    const older = page.items.length < PAGE ? [] : current.items.filter((one) => !seen.has(one.id) && one.at <= last)
    current.more = older.length ? current.more : page.items.length === PAGE
    current.items = [...page.items, ...older]
    current.unread = page.unread
    current.owed = page.owed
    current.state = 'read'
  } catch (fault) {
    if (current.state === 'reading') current.state = 'failed'
    throw fault
  }
}

/** The next older page. */
export async function readOlder(): Promise<void> {
  const last = current.items.at(-1)
  if (!last) return
  const page = await call<Inbox>(`/inbox${query({ limit: PAGE, before_at: last.at, before_id: last.id })}`, { behalf: null })
  current.items = [...current.items, ...page.items]
  current.more = page.items.length === PAGE
}

/** Marks everything that is on the screen as read; what arrived meanwhile stays unread. */
export async function readAll(): Promise<void> {
  const newest = current.items[0]
  if (!newest) return
  await call('/inbox/read', { method: 'POST', json: { until: newest.at }, behalf: null })
  await read()
}

/** Acknowledges 签阅 one notification; again is harmless. */
export async function acknowledge(id: string): Promise<void> {
  const answer = await call<Notification>(`/inbox/${id}/acknowledge`, { method: 'POST', behalf: null })
  current.items = current.items.map((one) => (one.id === id ? answer : one))
  refresher.nudge()
}

/** Something came over the stream. */
export function hearInbox(event: Pick<StreamEvent, 'kind'>): void {
  if (event.kind === 'inbox_changed') refresher.nudge()
}

export function inboxStream(state: StreamState): void {
  stream = state
  if (state === 'live') refresher.nudge()
}

/** Starts reading; call once a page. */
export function startInbox(): void {
  watch(
    () => session.me?.id,
    (id) => {
      Object.assign(current, { items: [], unread: 0, owed: 0, more: false, state: 'reading' })
      if (id) refresher.nudge()
    },
    { immediate: true },
  )
  setInterval(() => {
    if (stream !== 'live' && document.visibilityState === 'visible' && session.state === 'in') refresher.nudge()
  }, POLL_MS)
  addEventListener('focus', () => refresher.nudge())
}

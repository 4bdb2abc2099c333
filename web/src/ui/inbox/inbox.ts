// The inbox 收件箱 of whoever acts: read when the stream says that it changed, and by polling while it is down,
// with growing pauses while the server is. It is a person's own: whoever acts in another's post reads his own
// inbox all the same. A phone keeps the newest page and what was acknowledged without a network (`keepInbox`).

import { reactive, readonly, watch } from 'vue'
import type { Inbox, Notification, StreamEvent } from '../../api/types.ts'
import { Backoff } from '../../core/backoff.ts'
import { Refresher } from '../../core/refresher.ts'
import { call, query } from '../../ports/http.ts'
import type { StreamState } from '../../ports/stream.ts'
import { session } from '../session.ts'

const PAGE = 30
const READ_MS = 800
const POLL_MS = 15_000
const LONGEST_MS = 300_000

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
const backoff = new Backoff(POLL_MS, LONGEST_MS, { random: () => Math.random() })

/** What a page may have beside the server: a copy from before, and a way to acknowledge without a network. */
export interface InboxKeeping {
  load(person_id: string): Promise<Inbox | null>
  keep(person_id: string, page: Inbox): void
  /** Sends an acknowledgement, now or later; the line counts as acknowledged from now on. */
  acknowledge(one: Notification): Promise<void>
}
let keeping: InboxKeeping | null = null
/** Acknowledged here and not known to the server yet. */
const given = new Map<string, string>()

/** Before `startInbox`, by a page that works without a network. */
export const keepInbox = (how: InboxKeeping): void => void (keeping = how)

const withGiven = (items: readonly Notification[]): Notification[] =>
  items.map((one) => {
    const at = given.get(one.id)
    return at && !one.acknowledged_at ? { ...one, acknowledged_at: at, read_at: one.read_at ?? at } : one
  })

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
    current.items = withGiven([...page.items, ...older])
    current.unread = page.unread
    current.owed = page.owed
    current.state = 'read'
    backoff.succeeded()
    if (person) keeping?.keep(person, page)
  } catch (fault) {
    backoff.failed()
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
  const one = current.items.find((line) => line.id === id)
  if (keeping && one) {
    await keeping.acknowledge(one)
    given.set(id, new Date().toISOString())
    current.items = withGiven(current.items)
    current.owed = Math.max(0, current.owed - 1)
    refresher.nudge()
    return
  }
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

function poll(): void {
  setTimeout(() => {
    if (stream !== 'live' && document.visibilityState === 'visible' && session.me) refresher.nudge()
    poll()
  }, backoff.pause_ms)
}

/** Starts reading; call once a page. */
export function startInbox(): void {
  watch(
    () => session.me?.id,
    (id) => {
      Object.assign(current, { items: [], unread: 0, owed: 0, more: false, state: 'reading' })
      given.clear()
      if (!id) return
      void keeping?.load(id).then((page) => {
        if (!page || session.me?.id !== id || current.state === 'read') return
        Object.assign(current, { items: page.items, unread: page.unread, owed: page.owed, state: 'read' })
      })
      refresher.nudge()
    },
    { immediate: true },
  )
  poll()
  addEventListener('focus', () => refresher.nudge())
  addEventListener('online', () => refresher.nudge())
}

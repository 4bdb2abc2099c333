// The patrol of this phone: the shift that is open, its positions, and when they are sent. Positions are taken
// while a shift is open and at no other time.
//
// Without a network the plan is the last one that this person saw, and coverage is what the phone can tell of
// its own positions (live.ts); with one, the server's word counts.

import { computed, reactive, readonly, watch } from 'vue'
import type { Coverage, OwnTrack, PatrolToday, TrackOut, TrackPoint } from '../../api/types.ts'
import { RULES } from '../../core/coverage.ts'
import type { Fix } from '../../core/coverage.ts'
import type { PaceName } from '../../core/pace.ts'
import { TrackLog } from '../../core/track.ts'
import type { Item, Shift, TrackTransport } from '../../core/track.ts'
import { stayAwake } from '../../ports/awake.ts'
import { call, query } from '../../ports/http.ts'
import type { Call } from '../../ports/http.ts'
import { newId } from '../../ports/ids.ts'
import { alone } from '../../ports/lock.ts'
import { lastSeen, remember } from '../../ports/packstore.ts'
import type { NoFix } from '../../ports/position.ts'
import { trackStore } from '../../ports/trackstore.ts'
import { attempt } from '../../ports/outcome.ts'
import { ensure, session, whose } from '../../ui/session.ts'
import { keptHeaders } from '../map/kept.ts'
import { Follower } from './follow.ts'
import type { LiveCoverage } from './live.ts'

const SEND_MS = 15_000
const READ_MS = 30_000
/** A position older than this says nothing of where a tap was made. */
const FRESH_MS = 45_000

interface State {
  shift: Shift | null
  open: boolean
  waiting: Item[]
  today: PatrolToday | null
  /** When the plan was read, if it is not fresh from the server. */
  today_seen_at: string | null
  /** The server's word. */
  coverage: Coverage | null
  /** What the phone can tell by itself, while the server has not heard of everything. */
  live: Coverage | null
  /** Its own way in this shift, for its worker's eyes. */
  trace: TrackPoint[]
  track: OwnTrack | null
  fix: Fix | null
  no_fix: NoFix | null
  pace: PaceName
  awake: boolean
  refused: [reason: string, count: number][]
}

const current = reactive<State>({
  shift: null, open: false, waiting: [], today: null, today_seen_at: null, coverage: null, live: null, trace: [],
  track: null, fix: null, no_fix: null, pace: 'full', awake: false, refused: [],
})
export const patrol = readonly(current) as Readonly<State>

/** What of the patrol is still on this phone: sign-on, taps, sign-off, and positions. */
export const patrolUnsent = computed(() => {
  const records = current.waiting.filter((one) => one.kind !== 'point').length
  return { records, positions: current.waiting.length - records }
})

const sent_at = (): string => new Date().toISOString()
/** Refused when somebody else is signed in on this phone by now: then it waits for its own person. */
const told = (shift: Shift, json: unknown): Call => ({ method: 'POST', json, behalf: shift.behalf, sent_by: shift.person_id })

const transport: TrackTransport = {
  signOn: (shift, at) => attempt('/patrols', told(shift, { id: shift.id, at, sent_at: sent_at(), cells: [] })),
  points: (shift, points) =>
    attempt<TrackOut>(`/patrols/${shift.id}/track`, told(shift, { sent_at: sent_at(), datum: 'wgs84', points })),
  note: (shift, { id, at, target_id, position }) =>
    attempt(`/patrols/${shift.id}/notes`, told(shift, { id, at, sent_at: sent_at(), kind: 'nothing_found', target_id, position })),
  signOff: (shift, at) => attempt(`/patrols/${shift.id}/end`, told(shift, { at, sent_at: sent_at() })),
}

const log = new TrackLog({
  store: trackStore(), transport, now: () => Date.now(), newId,
  alone: (work) => alone('gridmgmt.walk', work),
})
const me = (): string => session.me?.id ?? ''

export const mayWalk = (): boolean => session.me?.permissions.includes('patrol:walk') ?? false

const follower = new Follower({
  onFix: ({ place, accuracy_m, at_ms }) => {
    current.no_fix = null
    current.fix = { lon: place[0], lat: place[1], accuracy_m, at_ms }
    // Shifts end by themselves in the end; then this ends too.
    if (!log.isOpen(me())) return void announce()
    void log.record(me(), { lon: place[0], lat: place[1], accuracy_m }, at_ms).then((kept) => (kept ? announce() : undefined))
  },
  onFault: (why) => (current.no_fix = why),
  onPace: ({ name }) => {
    current.pace = name
    // A bright screen costs more than the receiver.
    if (name !== 'full') setAwake(false)
  },
})

async function announce(): Promise<void> {
  const person = me()
  const shift = log.shift?.person_id === person ? log.shift : null
  const [waiting, trace] = await Promise.all([log.waiting(), log.trace(person)])
  if (person !== me()) return
  // In one stroke: the server is asked of a shift unless its sign-on waits.
  current.shift = shift
  current.waiting = waiting.filter((one) => one.shift.person_id === person)
  current.trace = trace
  current.open = log.isOpen(person)
  current.refused = [...log.refused]
  if (current.open) follower.begin()
  else if (follower.runs) {
    follower.end()
    setAwake(false)
    Object.assign(current, { fix: null, no_fix: null })
  }
  await lookAgain()
}

let live: { shift_id: string; cells: string; of: LiveCoverage } | null = null

/** A pack that cannot be read costs what the phone could tell, and nothing else. */
const lookAgain = (): Promise<void> => compute().catch((fault: unknown) => console.info('coverage', fault))

/** Computes what the phone can tell; nothing without a shift of this phone and packs of its grids. */
async function compute(): Promise<void> {
  const { shift, today } = current
  if (!shift) {
    Object.assign(current, { live: null })
    return
  }
  const headers = await keptHeaders()
  if (!headers.length) return
  const cells = headers.map((one) => `${one.cell_code}/${one.targets.length}`).join()
  if (live?.shift_id !== shift.id || live.cells !== cells) {
    const { LiveCoverage } = await import('./live.ts')
    const rules = { ...RULES, ...today?.rules }
    live = { shift_id: shift.id, cells, of: new LiveCoverage(headers, Date.parse(shift.on_at), rules) }
  }
  live.of.add(current.trace)
  const until = shift.off_at ? Date.parse(shift.off_at) : Date.now()
  const noted = new Set(current.waiting.flatMap((one) => (one.kind === 'note' ? [one.target_id] : [])))
  current.live = live.of.told(until, noted).coverage
}

export async function signOn(): Promise<void> {
  Object.assign(current, { coverage: null, track: null })
  await log.signOn(me(), session.acting?.person_id ?? null)
  await announce()
  await send()
}

export async function signOff(): Promise<void> {
  await log.signOff(me())
  await announce()
  await send()
}

/** Where he is, as far as a position of just now says. */
export const freshFix = (now_ms: number): Fix | null =>
  current.fix && now_ms - current.fix.at_ms <= FRESH_MS ? current.fix : null

export async function nothingFound(target_id: string): Promise<void> {
  const fix = freshFix(Date.now())
  await log.nothingFound(me(), target_id, fix && { lon: fix.lon, lat: fix.lat, accuracy_m: fix.accuracy_m })
  await announce()
  await send()
}

export async function forgetRefused(): Promise<void> {
  await log.forget(current.waiting.filter((one) => one.problem).map((one) => one.seq))
  await announce()
}

/** Keeps the screen on while the shift lasts, so that positions go on; his choice, and not on a low battery. */
export function setAwake(on: boolean): void {
  current.awake = on
  stayAwake(on)
}

/** Sends what waits, then reads what came of it. */
export async function send(): Promise<void> {
  if (!me()) return
  if (current.waiting.length) {
    await ensure()
    await log.flush(me())
    await announce()
  }
  await read()
}

export async function read(): Promise<void> {
  if (!mayWalk()) return
  const person = whose()
  const fresh = await call<PatrolToday>('/patrols/today').catch(() => null)
  if (person !== whose()) return
  if (fresh) {
    Object.assign(current, { today: fresh, today_seen_at: null })
    void remember(person, 'today', fresh)
  } else if (!current.today) {
    const last = await lastSeen<PatrolToday>(person, 'today')
    if (last && person === whose()) Object.assign(current, { today: last.value, today_seen_at: last.at })
  }
  const id = current.shift?.id ?? current.today?.shift_id
  if (!fresh || !id || current.waiting.some((one) => one.kind === 'sign_on')) return
  const [coverage, track] = await Promise.all([
    call<Coverage>(`/patrols/coverage.geojson${query({ shift: id })}`).catch(() => null),
    call<OwnTrack>(`/patrols/${id}/track`).catch(() => current.track),
  ])
  if (person !== whose()) return
  current.coverage = coverage
  current.track = track
}

let started = false

/** What this phone has of whoever uses it now, then what the server says. */
async function begin(): Promise<void> {
  // Where storage is closed, what the server tells can be shown all the same.
  const closed = (fault: unknown): void => console.info('patrol', fault)
  await log.recover(me()).catch(closed)
  await announce().catch(closed)
  await send()
}

/** Once a page: goes on with a shift that was open, and sends in the background. */
export async function startPatrol(): Promise<void> {
  if (started) return
  started = true
  // First of all what goes on for as long as the page is open: nothing that fails below may take it along.
  watch(
    [() => session.me?.id, () => session.acting?.person_id],
    ([id], [before]) => {
      Object.assign(current, { today: null, today_seen_at: null, coverage: null, live: null, track: null })
      if (id !== before) Object.assign(current, { shift: null, waiting: [], trace: [] })
      void begin()
    },
  )
  setInterval(() => void (current.waiting.length && send()), SEND_MS)
  setInterval(() => {
    if (!current.open || document.visibilityState !== 'visible') return
    // Time alone makes what could be reached unknown.
    void lookAgain()
    void read()
  }, READ_MS)
  addEventListener('online', () => void send())
  await begin()
}

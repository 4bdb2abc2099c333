// The patrol of this phone: the shift that is open, its positions, and when they are sent. Positions are taken
// while a shift is open and at no other time.

import { reactive, readonly, watch } from 'vue'
import type { Coverage, OwnTrack, PatrolToday, TrackOut } from '../../api/types.ts'
import { TrackLog } from '../../core/track.ts'
import type { Item, Shift, TrackTransport } from '../../core/track.ts'
import { call, query } from '../../ports/http.ts'
import type { Call } from '../../ports/http.ts'
import { newId } from '../../ports/ids.ts'
import { watchPosition } from '../../ports/position.ts'
import type { NoFix } from '../../ports/position.ts'
import { indexedDbTrackStore } from '../../ports/trackstore.ts'
import { attempt } from '../../ports/outcome.ts'
import { ensure, session } from '../../ui/session.ts'

const SEND_MS = 15_000
const READ_MS = 30_000

interface State {
  shift: Shift | null
  open: boolean
  waiting: Item[]
  today: PatrolToday | null
  coverage: Coverage | null
  track: OwnTrack | null
  accuracy_m: number | null
  no_fix: NoFix | null
  refused: [reason: string, count: number][]
}

const current = reactive<State>({
  shift: null, open: false, waiting: [], today: null, coverage: null, track: null, accuracy_m: null, no_fix: null, refused: [],
})
export const patrol = readonly(current) as Readonly<State>

const sent_at = (): string => new Date().toISOString()
const told = (shift: Shift, json: unknown): Call => ({ method: 'POST', json, behalf: shift.behalf })

const transport: TrackTransport = {
  signOn: (shift, at) => attempt('/patrols', told(shift, { id: shift.id, at, sent_at: sent_at(), cells: [] })),
  points: (shift, points) =>
    attempt<TrackOut>(`/patrols/${shift.id}/track`, told(shift, { sent_at: sent_at(), datum: 'wgs84', points })),
  note: (shift, { id, at, target_id }) =>
    attempt(`/patrols/${shift.id}/notes`, told(shift, { id, at, sent_at: sent_at(), kind: 'nothing_found', target_id })),
  signOff: (shift, at) => attempt(`/patrols/${shift.id}/end`, told(shift, { at, sent_at: sent_at() })),
}

const log = new TrackLog({ store: indexedDbTrackStore(), transport, now: () => Date.now(), newId })

let stopWatching: (() => void) | null = null
const me = (): string => session.me?.id ?? ''

export const mayWalk = (): boolean => session.me?.permissions.includes('patrol:walk') ?? false

async function announce(): Promise<void> {
  current.shift = log.shift?.person_id === me() ? log.shift : null
  current.open = log.isOpen(me())
  current.waiting = (await log.waiting()).filter((one) => one.shift.person_id === me())
  current.refused = [...log.refused]
  follow()
}

/** Begins to take positions when a shift is open, and ends with it. */
function follow(): void {
  if (current.open && !stopWatching) {
    stopWatching = watchPosition(
      ({ place, accuracy_m, at_ms }) => {
        current.no_fix = null
        current.accuracy_m = accuracy_m
        // Shifts end by themselves in the end; then this ends too.
        if (!log.isOpen(me())) return void announce()
        void log.record(me(), { lon: place[0], lat: place[1], accuracy_m }, at_ms).then((kept) => (kept ? announce() : undefined))
      },
      (why) => (current.no_fix = why),
    )
  } else if (!current.open && stopWatching) {
    stopWatching()
    stopWatching = null
    current.accuracy_m = null
    current.no_fix = null
  }
}

export async function signOn(): Promise<void> {
  await log.signOn(me(), session.acting?.person_id ?? null)
  await announce()
  await send()
}

export async function signOff(): Promise<void> {
  await log.signOff(me())
  await announce()
  await send()
}

export async function nothingFound(target_id: string): Promise<void> {
  await log.nothingFound(me(), target_id)
  await announce()
  await send()
}

export async function forgetRefused(): Promise<void> {
  await log.forget(current.waiting.filter((one) => one.problem).map((one) => one.seq))
  await announce()
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
  current.today = await call<PatrolToday>('/patrols/today').catch(() => current.today)
  const id = current.shift?.id ?? current.today?.shift_id
  if (!id || current.waiting.some((one) => one.kind === 'sign_on')) return
  const [coverage, track] = await Promise.all([
    call<Coverage>(`/patrols/coverage.geojson${query({ shift: id })}`).catch(() => current.coverage),
    call<OwnTrack>(`/patrols/${id}/track`).catch(() => current.track),
  ])
  current.coverage = coverage
  current.track = track
}

/** Once a page: goes on with a shift that was open, and sends in the background. */
export async function startPatrol(): Promise<void> {
  await log.recover()
  await announce()
  watch(
    [() => session.me?.id, () => session.acting?.person_id],
    () => {
      Object.assign(current, { today: null, coverage: null, track: null })
      void announce().then(send)
    },
  )
  void send()
  setInterval(() => void (current.waiting.length && send()), SEND_MS)
  setInterval(() => void (current.open && document.visibilityState === 'visible' && read()), READ_MS)
  addEventListener('online', () => void send())
}

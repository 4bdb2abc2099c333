// What a patrol tells the server, kept on the phone until it is told: sign-on, positions, notes, sign-off.
//
// What holds, whatever the network does:
// - Everything is stored before it is sent, in the order it happened, and leaves the phone when the server
//   has it. All of it may be sent twice: ids and numbers are made here.
// - A sign-on goes before the positions of its shift, a sign-off after them. Positions go in batches.
// - A position is taken in a shift and at no other time: without an open shift `record` keeps nothing.
// - Nothing of one person is sent by another: a round is for one person. Each has his own shift and his own way,
//   also when several use the phone: whoever comes back goes on with his.
// - Several tabs may be open: numbers are given by the store, and one tab sends at a time.
// - The positions of the present or the last shift stay for its worker's own picture until the next begins,
//   or a day after the end.
// - A position that the server refuses is gone and counted by its reason; another refusal is kept and shown.
//
// Headless: storage, transport, clock and the lock are ports.

import type { Problem, TrackOut, TrackPoint } from '../api/types.ts'
import type { Outcome } from './outbox.ts'

export interface Shift {
  id: string
  person_id: string
  /** In whose post, for a deputy; null as oneself. */
  behalf: string | null
  on_at: string
  off_at: string | null
}

/** The server lets a shift lapse after so long; the phone stops recording then. */
export const LONGEST_MS = 16 * 3600_000

/** How long after its end a shift's way stays on the phone for its worker to look at. */
export const TRACE_KEPT_MS = 24 * 3600_000

type What<Point> =
  | { kind: 'sign_on'; at: string }
  | { kind: 'point'; point: Point }
  | ({ kind: 'note' } & Note)
  | { kind: 'sign_off'; at: string }

export type Item = { seq: number; shift: Shift; problem: Problem | null } & What<TrackPoint>

/** What is to be kept: the store gives it its number, and a position its own within the shift. */
export type NewItem = { shift: Shift; problem: null } & What<Omit<TrackPoint, 'no'>>

export interface Position {
  lon: number
  lat: number
  accuracy_m: number | null
}

/** One tap at a target, and where the phone was then; null when it did not know. */
export interface Note {
  id: string
  at: string
  target_id: string
  position: Position | null
}

export interface TrackStore {
  /** In the order of `seq`. */
  all(): Promise<Item[]>
  /**
   * Under the next number, in one stroke with all that belongs to it: a page may be killed between any two. A sign-on
   * begins its person's shift and a new trace, a sign-off ends the shift. A position gets the number after the last
   * in its person's trace and is kept there as well; false when its shift is not open any more.
   */
  add(item: NewItem): Promise<boolean>
  /** Of those that are still there. */
  refuse(seqs: readonly number[], problem: Problem): Promise<void>
  remove(seqs: readonly number[]): Promise<void>
  /** A person's present or last one. */
  shift(person_id: string): Promise<Shift | null>
  /** Every position of a person since his trace was last forgotten, by number. */
  trace(person_id: string): Promise<TrackPoint[]>
  forgetTrace(person_id: string): Promise<void>
}

export interface TrackTransport {
  signOn(shift: Shift, at: string): Promise<Outcome<unknown>>
  points(shift: Shift, points: TrackPoint[]): Promise<Outcome<TrackOut>>
  note(shift: Shift, note: Note): Promise<Outcome<unknown>>
  signOff(shift: Shift, at: string): Promise<Outcome<unknown>>
}

export interface TrackPorts {
  store: TrackStore
  transport: TrackTransport
  now: () => number
  newId: () => string
  /** Runs the work unless another tab is at it; false when one is. */
  alone: (work: () => Promise<void>) => Promise<boolean>
}

export const BATCH = 200
const LEAST_MS = 5_000
const MOST_MS = 30_000
const METRES_PER_DEGREE = 111_320
const LEAST_M = 8

/** Whether a position says something new: he moved, or half a minute passed. */
export function saysSomething(last: { at_ms: number; position: Position } | null, position: Position, at_ms: number): boolean {
  if (!last) return true
  const waited = at_ms - last.at_ms
  // Far before the last one: the clock was put back.
  if (waited < LEAST_MS && waited > -MOST_MS) return false
  if (waited >= MOST_MS) return true
  const north = (position.lat - last.position.lat) * METRES_PER_DEGREE
  const east = (position.lon - last.position.lon) * METRES_PER_DEGREE * Math.cos((position.lat * Math.PI) / 180)
  return Math.hypot(north, east) >= LEAST_M
}

export class TrackLog {
  readonly #ports: TrackPorts
  #last: { at_ms: number; position: Position } | null = null
  #round: { person_id: string; done: Promise<void> } | null = null
  #queue: Promise<unknown> = Promise.resolve()
  /** Of whoever was recovered last: his present or last one. */
  shift: Shift | null = null
  #person: string | null = null
  /** How many positions the server refused, by its reason. */
  readonly refused = new Map<string, number>()

  constructor(ports: TrackPorts) {
    this.#ports = ports
  }

  /** After a start, and when another person uses the phone: his shift that was open goes on. */
  async recover(person_id: string): Promise<void> {
    if (this.#person !== person_id) {
      this.#person = person_id
      this.shift = null
      this.#last = null
      this.refused.clear()
    }
    const shift = await this.#ports.store.shift(person_id)
    if (this.#person !== person_id) return
    this.shift = shift
    const off_at = shift?.off_at
    if (off_at && this.#ports.now() - Date.parse(off_at) >= TRACE_KEPT_MS) await this.#ports.store.forgetTrace(person_id)
  }

  /** Whether this person's shift is open here, and positions are to be taken. */
  isOpen(person_id: string | null | undefined): boolean {
    const { shift } = this
    return (
      shift !== null && shift.person_id === person_id && shift.off_at === null &&
      this.#ports.now() - Date.parse(shift.on_at) < LONGEST_MS
    )
  }

  async signOn(person_id: string, behalf: string | null): Promise<void> {
    // Another tab may have begun it.
    await this.recover(person_id)
    if (this.isOpen(person_id)) return
    const at = this.#at()
    const shift: Shift = { id: this.#ports.newId(), person_id, behalf, on_at: at, off_at: null }
    await this.#add({ shift, problem: null, kind: 'sign_on', at })
    // Somebody else may have come meanwhile; and nobody is to ask the server of a shift whose sign-on is not kept.
    if (this.#person !== person_id) return
    this.shift = shift
    this.#last = null
    this.refused.clear()
  }

  async signOff(person_id: string): Promise<void> {
    // Another tab may have ended it.
    await this.recover(person_id)
    if (!this.isOpen(person_id) || !this.shift) return
    const at = this.#at()
    const shift: Shift = { ...this.shift, off_at: at }
    await this.#add({ shift, problem: null, kind: 'sign_off', at })
    if (this.#person === person_id) this.shift = shift
  }

  /** Keeps a position of the open shift; false when there is none, or when it says nothing new. */
  async record(person_id: string | null, position: Position, at_ms: number): Promise<boolean> {
    const { shift } = this
    if (!shift || !this.isOpen(person_id)) return false
    if (at_ms < Date.parse(shift.on_at) || !saysSomething(this.#last, position, at_ms)) return false
    this.#last = { at_ms, position }
    const kept = await this.#add({ shift, problem: null, kind: 'point', point: { at: new Date(at_ms).toISOString(), ...position } })
    // Ended in another tab.
    if (!kept) await this.recover(shift.person_id)
    return kept
  }

  /** One tap: nothing found at a target. */
  async nothingFound(person_id: string, target_id: string, position: Position | null): Promise<boolean> {
    const { shift } = this
    if (!shift || !this.isOpen(person_id)) return false
    await this.#add({ shift, problem: null, kind: 'note', id: this.#ports.newId(), at: this.#at(), target_id, position })
    return true
  }

  /** Sends what waits, for this person; a call while his round runs joins it. Nothing while another tab sends. */
  async flush(person_id: string): Promise<void> {
    if (this.#round?.person_id === person_id) return this.#round.done
    const before = this.#round?.done.catch(() => undefined)
    const done = Promise.resolve(before)
      .then(() => this.#ports.alone(() => this.#send(person_id)))
      .then(() => undefined)
      .finally(() => {
        if (this.#round?.done === done) this.#round = null
      })
    this.#round = { person_id, done }
    return done
  }

  /** What is still on the phone, of whomever. */
  async waiting(): Promise<Item[]> {
    return this.#ports.store.all()
  }

  /** The positions of this person's present or last shift; nobody else's. */
  async trace(person_id: string): Promise<TrackPoint[]> {
    return this.shift?.person_id === person_id ? this.#ports.store.trace(person_id) : []
  }

  /** Gives up what the server refused: he has read why. */
  async forget(seqs: readonly number[]): Promise<void> {
    await this.#ports.store.remove(seqs)
  }

  #at(): string {
    return new Date(this.#ports.now()).toISOString()
  }

  /** One after the other, so that the order of storing is the order of happening. */
  async #add(item: NewItem): Promise<boolean> {
    const kept = this.#queue.then(() => this.#ports.store.add(item))
    // One that found no room must not take those after it along.
    this.#queue = kept.catch(() => undefined)
    return kept
  }

  async #send(person_id: string): Promise<void> {
    for (;;) {
      const all = await this.#ports.store.all()
      const items = all.filter((one) => one.shift.person_id === person_id && one.problem === null)
      const [first] = items
      if (!first) return
      const batch = first.kind === 'point' ? points(items, first.shift.id) : [first]
      const outcome = await this.#deliver(first, batch)
      if (outcome.kind === 'done') await this.#ports.store.remove(batch.map((one) => one.seq))
      else if (outcome.kind === 'refused') {
        await this.#ports.store.refuse(batch.map((one) => one.seq), outcome.problem)
      } else return
    }
  }

  async #deliver(first: Item, batch: Item[]): Promise<Outcome<unknown>> {
    const { transport } = this.#ports
    switch (first.kind) {
      case 'sign_on':
        return transport.signOn(first.shift, first.at)
      case 'sign_off':
        return transport.signOff(first.shift, first.at)
      case 'note':
        return transport.note(first.shift, first)
      case 'point': {
        const outcome = await transport.points(first.shift, batch.flatMap((one) => (one.kind === 'point' ? [one.point] : [])))
        if (outcome.kind === 'done') {
          for (const { reason } of outcome.value.refused) this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
        }
        return outcome
      }
    }
  }
}

/** The positions of one shift up to whatever else happened, at most a batch. */
function points(items: Item[], shift_id: string): Item[] {
  const end = items.findIndex((one) => one.kind !== 'point' || one.shift.id !== shift_id)
  return items.slice(0, Math.min(end < 0 ? items.length : end, BATCH))
}

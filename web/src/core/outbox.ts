// Reports that wait on the phone until the server has them: queued → sending → sent | refused.
//
// What holds, whatever the network does:
// - A report is stored here before anything is sent, under its own id; adding it twice adds it once.
// - Nothing is dropped. A fault of the network or of the server (5xx, 408, 425, 429) puts the report
//   back to queued with a growing pause. A missing session (401) keeps it queued. Any other 4xx makes
//   it refused: the worker sees why and may mend it, send it again or delete it.
// - Photos go first (PUT by SHA-256), then the report. Both may be repeated without harm, so a report
//   found in "sending" after the app was killed is simply sent again.
// - One report that the server stumbles over does not hold up the next; a dead network ends the round.
//
// Headless: storage, transport, clock and chance are ports. No screen, no alert, no framework.

import type { Problem, ReportIn, ReportOut } from '../api/types.ts'

export type EntryState = 'queued' | 'sending' | 'sent' | 'refused'

/** What is known of a photo besides its bytes. */
export interface PhotoRef {
  sha256: string
  media_type: string
  bytes: number
}

export interface Entry {
  id: string
  created_at: string
  /** For the list while there is no answer: the category as the worker read it. */
  title: string
  report: ReportIn
  photos: PhotoRef[]
  state: EntryState
  attempts: number
  /** Not before this instant (ms); 0 means at once. */
  next_at_ms: number
  /** Why it was refused, or why the last attempt failed when the server said so. */
  problem: Problem | null
  answer: ReportOut | null
}

/** The bytes of a photo; a Blob in the browser. The outbox only passes it on. */
export interface PhotoBody {
  readonly size: number
}

export type Outcome<T> =
  | { kind: 'done'; value: T }
  | { kind: 'refused'; problem: Problem }
  | { kind: 'signed_out'; problem: Problem }
  | { kind: 'server_fault'; problem: Problem | null; retry_after_s: number | null }
  | { kind: 'no_network' }

export interface OutboxStore {
  all(): Promise<Entry[]>
  get(id: string): Promise<Entry | undefined>
  /** Entry and photo bytes in one transaction, so that a report is never stored without its photos. */
  add(entry: Entry, bodies: ReadonlyMap<string, PhotoBody>): Promise<void>
  put(entry: Entry): Promise<void>
  /** With the photos that no other entry needs. */
  remove(id: string): Promise<void>
  photo(sha256: string): Promise<PhotoBody | undefined>
  /** Frees the bytes of a sent entry; its record stays. */
  releasePhotos(entry: Entry): Promise<void>
}

export interface Transport {
  putPhoto(photo: PhotoRef, body: PhotoBody): Promise<Outcome<unknown>>
  postReport(report: ReportIn): Promise<Outcome<ReportOut>>
}

export interface OutboxPorts {
  store: OutboxStore
  transport: Transport
  now: () => number
  random: () => number
}

const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 300_000
const KEPT_SENT = 30

/** Pause before attempt `attempts + 1`: doubling, capped, and spread so that phones do not march in step. */
export function pauseMs(attempts: number, random: () => number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** Math.max(attempts - 1, 0), LONGEST_PAUSE_MS)
  return Math.round(full * (0.5 + random() / 2))
}

type Listener = (entries: Entry[]) => void

export class Outbox {
  readonly #ports: OutboxPorts
  readonly #listeners = new Set<Listener>()
  #round: Promise<void> | null = null
  #again = false

  constructor(ports: OutboxPorts) {
    this.#ports = ports
  }

  /** Calls back with all entries, newest first, now and after every change. Returns the way out. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    void this.#announce()
    return () => this.#listeners.delete(listener)
  }

  /** Stores a report for sending. A second call with the same id changes nothing. */
  async add(
    report: ReportIn,
    title: string,
    photos: PhotoRef[],
    bodies: ReadonlyMap<string, PhotoBody>,
  ): Promise<void> {
    const known = await this.#ports.store.get(report.id)
    if (known && known.state !== 'refused') return
    await this.#ports.store.add(
      {
        id: report.id,
        created_at: known?.created_at ?? new Date(this.#ports.now()).toISOString(),
        title,
        report,
        photos,
        state: 'queued',
        attempts: 0,
        next_at_ms: 0,
        problem: null,
        answer: null,
      },
      bodies,
    )
    await this.#announce()
  }

  /** Puts a refused report back into the queue as it is: the reason may have gone (a new plan, say). */
  async resend(id: string): Promise<void> {
    const entry = await this.#ports.store.get(id)
    if (entry?.state !== 'refused') return
    await this.#save({ ...entry, state: 'queued', next_at_ms: 0, problem: null })
  }

  /** Deletes what the server will not take, or what it has; never what still has to be sent. */
  async remove(id: string): Promise<boolean> {
    const entry = await this.#ports.store.get(id)
    if (!entry || entry.state === 'queued' || entry.state === 'sending') return false
    await this.#ports.store.remove(id)
    await this.#announce()
    return true
  }

  /** After a start: whatever was being sent when the app was killed is queued again. */
  async recover(): Promise<void> {
    for (const entry of await this.#ports.store.all()) {
      if (entry.state === 'sending') await this.#save({ ...entry, state: 'queued', next_at_ms: 0 })
    }
    await this.#announce()
  }

  /**
   * Sends what is due, oldest first. Calls while a round runs start one more after it.
   *
   * `eager` ignores the pauses: the network came back, the page came to the front, the worker asked.
   */
  async flush(eager = false): Promise<void> {
    if (this.#round) {
      this.#again ||= eager
      return this.#round
    }
    this.#round = this.#rounds(eager).finally(() => {
      this.#round = null
    })
    return this.#round
  }

  async #rounds(eager: boolean): Promise<void> {
    let more = eager
    do {
      this.#again = false
      await this.#sendDue(more)
      more = this.#again
    } while (more)
    await this.#trim()
  }

  async #sendDue(eager: boolean): Promise<void> {
    const waiting = (await this.#ports.store.all())
      .filter((entry) => entry.state === 'queued')
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const entry of waiting) {
      if (!eager && entry.next_at_ms > this.#ports.now()) continue
      const outcome = await this.#send(entry)
      if (outcome === 'no_network' || outcome === 'signed_out') return
    }
  }

  async #send(entry: Entry): Promise<Outcome<unknown>['kind']> {
    await this.#save({ ...entry, state: 'sending' })
    const outcome = await this.#deliver(entry)
    const attempts = entry.attempts + 1
    const pause = pauseMs(attempts, this.#ports.random)
    const later = { attempts, state: 'queued' as const }
    const now = this.#ports.now()
    switch (outcome.kind) {
      case 'done': {
        const sent: Entry = { ...entry, attempts, state: 'sent', answer: outcome.value, problem: null }
        await this.#save(sent)
        await this.#ports.store.releasePhotos(sent)
        break
      }
      case 'refused':
        await this.#save({ ...entry, attempts, state: 'refused', problem: outcome.problem })
        break
      case 'signed_out':
        await this.#save({ ...entry, ...later, problem: outcome.problem, next_at_ms: now + pause })
        break
      case 'server_fault': {
        const wait = Math.max(pause, (outcome.retry_after_s ?? 0) * 1000)
        await this.#save({ ...entry, ...later, problem: outcome.problem, next_at_ms: now + wait })
        break
      }
      case 'no_network':
        await this.#save({ ...entry, ...later, problem: null, next_at_ms: now + pause })
    }
    return outcome.kind
  }

  async #deliver(entry: Entry): Promise<Outcome<ReportOut>> {
    for (const photo of entry.photos) {
      const body = await this.#ports.store.photo(photo.sha256)
      // Bytes can be gone only if the browser evicted them; the server then says which it lacks.
      if (!body) continue
      const outcome = await this.#ports.transport.putPhoto(photo, body)
      if (outcome.kind !== 'done') return outcome
    }
    return this.#ports.transport.postReport(entry.report)
  }

  /** Writes the entry unless another tab has already brought it home. */
  async #save(entry: Entry): Promise<void> {
    const stored = await this.#ports.store.get(entry.id)
    if (!stored || stored.state === 'sent') return
    await this.#ports.store.put(entry)
    await this.#announce()
  }

  async #trim(): Promise<void> {
    const sent = (await this.#ports.store.all())
      .filter((entry) => entry.state === 'sent')
      .sort((a, b) => (a.id < b.id ? 1 : -1))
    for (const entry of sent.slice(KEPT_SENT)) await this.#ports.store.remove(entry.id)
    if (sent.length > KEPT_SENT) await this.#announce()
  }

  async #announce(): Promise<void> {
    if (this.#listeners.size === 0) return
    const entries = (await this.#ports.store.all()).sort((a, b) => (a.id < b.id ? 1 : -1))
    for (const listener of this.#listeners) listener(entries)
  }
}

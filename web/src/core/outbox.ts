// The outbox: first the phone, then the net. Whatever a worker does is stored here under its own id before
// anything is sent, and leaves the phone only when the server has it.
//
// What holds, whatever the network does:
// - Adding the same id twice adds it once; the server takes the same id twice as once. So everything may be
//   sent again, and whatever was under way when the page died is.
// - Nothing is dropped. A fault of the network or of the server (5xx, 408, 425, 429) puts an entry back with
//   a growing pause; a missing session (401) keeps it. Any other 4xx makes it refused: its owner sees why
//   and may mend it, send it again or delete it.
// - Entries of one chain (all that concerns one case) go in the order in which they were made. One that waits
//   for a person holds up those behind it; other chains go on.
// - A job that builds on a case says which version its sender saw. When the case is another meanwhile, the
//   entry becomes a conflict that shows both, and is done anew or dropped by its owner, never forced.
// - Photos go first, piece by piece, and each has a line in the ledger; the job waits for all of them. Bytes
//   whose SHA-256 is no longer that of the photo are not sent.
// - Entries are one person's. A round is for one person, and another's entries are neither read nor sent.
// - One tab sends at a time. A dead network ends the round; one entry that the server stumbles over does not.
//
// Headless: storage, transport, clock and chance are ports. No screen, no alert, no framework.

import { localProblem } from './problem.ts'
import type { Entry, Job, LedgerPhoto, PhotoBody } from './outbox/entry.ts'
import { needsLook } from './outbox/entry.ts'
import { isDue, pauseMs } from './outbox/pause.ts'
import type { OutboxPorts, Outcome } from './outbox/ports.ts'

export * from './outbox/entry.ts'
export * from './outbox/ports.ts'
export { pauseMs } from './outbox/pause.ts'

const KEPT_SENT = 30
/** Refusals that are about the case having moved on, not about what was sent. */
const MOVED_ON = new Set(['stale_version', 'illegal_action'])

/** What one person sees of the outbox: his own entries, newest first, and how many are somebody else's. */
export interface View {
  entries: Entry[]
  of_others: number
}
type Listener = (view: View) => void

export class Outbox {
  readonly #ports: OutboxPorts
  readonly #listeners = new Set<Listener>()
  #person: string | null = null
  #round: Promise<void> | null = null
  #again = false

  constructor(ports: OutboxPorts) {
    this.#ports = ports
  }

  /** Calls back with the owner's entries now and after every change. Returns the way out. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    void this.announce()
    return () => this.#listeners.delete(listener)
  }

  /** From now on the outbox is this person's; null is nobody's, and shows only how many wait. */
  async belongTo(person_id: string | null): Promise<void> {
    this.#person = person_id
    if (person_id) await this.#ports.store.adopt(person_id)
    await this.announce()
  }

  /** Stores a job for sending. A second call with the same id changes nothing, unless the first was refused. */
  async add(job: Job, bodies: ReadonlyMap<string, PhotoBody> = new Map()): Promise<void> {
    const { store } = this.#ports
    if (!this.#person) throw new Error('an outbox of nobody')
    const known = await store.get(job.id)
    if (known && !needsLook(known)) return
    const line = (photo: Job['photos'][number]): LedgerPhoto =>
      anew(known?.photos.find(({ sha256 }) => sha256 === photo.sha256) ?? { ...photo, sent_bytes: 0, upload_url: null, stored: false })
    await store.add(
      {
        ...job,
        photos: job.photos.map(line),
        person_id: this.#person,
        created_at: known?.created_at ?? this.#time(),
        state: 'queued',
        attempts: 0,
        next_at_ms: 0,
        problem: null,
        standing: null,
        answer: null,
      },
      bodies,
    )
    await this.announce()
  }

  /** Puts a refused entry back into the queue as it is: the reason may have gone (a new plan, say). */
  async resend(id: string): Promise<void> {
    const entry = await this.#own(id)
    if (entry?.state !== 'refused') return
    await this.#save({ ...entry, photos: entry.photos.map(anew), state: 'queued', next_at_ms: 0, problem: null })
  }

  /** Does a conflict anew on the case as it is now; false when that does not allow it, or is not known. */
  async redo(id: string): Promise<boolean> {
    const entry = await this.#own(id)
    if (entry?.state !== 'conflict' || !entry.standing || !mayRedo(entry)) return false
    const { version } = entry.standing
    // Those behind it were meant to follow it, so they follow it there.
    for (const other of await this.#followers(entry, version)) await this.#ports.store.put(other)
    await this.#save({
      ...entry, body: { ...entry.body, version }, state: 'queued', next_at_ms: 0, problem: null, standing: null,
    })
    return true
  }

  /** Reads anew how the case of a conflict stands; for when its owner looks at it. */
  async look(id: string): Promise<void> {
    const entry = await this.#own(id)
    if (entry?.state !== 'conflict') return
    const { standing } = await this.#lookedAt(entry)
    // He may have chosen meanwhile: then it is no conflict any more, or another one.
    const now = await this.#own(id)
    if (now?.state === 'conflict' && now.attempts === entry.attempts) await this.#save({ ...now, standing })
  }

  /** Deletes what the server will not take, or what it has; never what still has to be sent. */
  async remove(id: string): Promise<boolean> {
    const entry = await this.#own(id)
    if (!entry || entry.state === 'queued' || entry.state === 'sending') return false
    await this.#ports.store.remove([id])
    await this.announce()
    return true
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

  /** Tells every listener how things are; also to be called when another tab changed something. */
  async announce(): Promise<void> {
    if (this.#listeners.size === 0) return
    const person = this.#person
    const view: View = person
      ? { entries: (await this.#ports.store.all(person)).reverse(), of_others: await this.#ports.store.others(person) }
      : { entries: [], of_others: await this.#ports.store.others('') }
    if (person === this.#person) for (const listener of this.#listeners) listener(view)
  }

  async #rounds(eager: boolean): Promise<void> {
    let more = eager
    do {
      this.#again = false
      const person = this.#person
      if (!person) return
      const eagerly = more
      if (!(await this.#ports.alone(() => this.#sendDue(person, eagerly)))) return
      more = this.#again
    } while (more)
    await this.#trim()
  }

  /** Nobody else sends while this runs: whatever is "sending" was left so by a page that died. */
  async #sendDue(person: string, eager: boolean): Promise<void> {
    const waiting = (await this.#ports.store.all(person)).filter((entry) => entry.state !== 'sent')
    for (const entry of waiting) {
      if (entry.state === 'sending') await this.#save({ ...entry, state: 'queued', next_at_ms: 0 })
    }
    for (const chain of inChains(waiting)) {
      for (const { id } of chain) {
        // What happened meanwhile counts: it was deleted, its person left, the one before it moved the case.
        const entry = await this.#own(id)
        if (person !== this.#person) return
        if (!entry || entry.state === 'sent') continue
        if (needsLook(entry)) break
        if (!eager && !isDue(entry.next_at_ms, this.#ports.now())) break
        const outcome = await this.#send(entry)
        if (outcome === 'no_network' || outcome === 'signed_out') return
        if (outcome !== 'done') break
      }
    }
  }

  async #send(given: Entry): Promise<Outcome<unknown>['kind']> {
    const entry: Entry = { ...given, state: 'sending', attempts: given.attempts + 1 }
    await this.#save(entry)
    const outcome = await this.#deliver(entry)
    const pause = pauseMs(entry.attempts, this.#ports.random)
    const later = (ms: number, problem: Entry['problem']): Entry =>
      ({ ...entry, state: 'queued', problem, next_at_ms: this.#ports.now() + ms })
    switch (outcome.kind) {
      case 'done':
        await this.#complete({ ...entry, state: 'sent', answer: outcome.value, problem: null })
        break
      case 'refused':
        await this.#refuse(entry, outcome.problem, later)
        break
      case 'signed_out':
        await this.#save(later(pause, outcome.problem))
        break
      case 'server_fault':
        await this.#save(later(Math.max(pause, (outcome.retry_after_s ?? 0) * 1000), outcome.problem))
        break
      case 'no_network':
        await this.#save(later(pause, null))
    }
    return outcome.kind
  }

  /** Photos, then the job. `entry.photos` is brought up to date as the pieces arrive. */
  async #deliver(entry: Entry): Promise<Outcome<unknown>> {
    for (const photo of entry.photos) {
      if (photo.stored) continue
      const outcome = await this.#deliverPhoto(entry, photo)
      if (outcome.kind !== 'done') return outcome
      photo.stored = true
      photo.sent_bytes = photo.bytes
      await this.#save(entry)
    }
    return this.#ports.transport.send(entry, this.#time())
  }

  async #deliverPhoto(entry: Entry, photo: LedgerPhoto): Promise<Outcome<unknown>> {
    const { store, transport, digest } = this.#ports
    const body = await store.photo(photo.sha256)
    // Bytes can be gone only if the browser cleared them; the server says whether it lacks them.
    if (!body) return { kind: 'done', value: null }
    if ((await digest(body)) !== photo.sha256) return { kind: 'refused', problem: damaged(photo) }
    return transport.upload(photo, body, entry, async (told) => {
      if (told.url !== undefined) photo.upload_url = told.url
      if (told.sent_bytes !== undefined) photo.sent_bytes = told.sent_bytes
      await this.#save(entry)
    })
  }

  async #refuse(entry: Entry, problem: NonNullable<Entry['problem']>, later: (ms: number, problem: Entry['problem']) => Entry): Promise<void> {
    if (entry.subject && MOVED_ON.has(problem.code)) {
      await this.#save(await this.#lookedAt({ ...entry, state: 'conflict', problem }))
      return
    }
    const lacking = await this.#lacking(entry, problem)
    if (lacking.length) {
      for (const photo of lacking) Object.assign(photo, { stored: false, sent_bytes: 0, upload_url: null, lost: true })
      await this.#save(later(pauseMs(entry.attempts, this.#ports.random), problem))
      return
    }
    await this.#save({ ...entry, state: 'refused', problem })
  }

  /**
   * Photos that the server says it lacks although they were sent, and that are still here to be sent once more.
   * Not a third time: what the server loses twice would be sent for ever.
   */
  async #lacking(entry: Entry, problem: NonNullable<Entry['problem']>): Promise<LedgerPhoto[]> {
    const named: unknown = problem.code === 'missing_fact' ? problem.facts['photos'] : null
    if (!Array.isArray(named)) return []
    const lacking = entry.photos.filter(({ sha256, lost }) => named.includes(sha256) && !lost)
    const bodies = await Promise.all(lacking.map(({ sha256 }) => this.#ports.store.photo(sha256)))
    return lacking.filter((_, n) => bodies[n])
  }

  async #lookedAt(entry: Entry): Promise<Entry> {
    if (!entry.subject) return entry
    const now = await this.#ports.transport.look(entry.subject, entry)
    return now.kind === 'done' ? { ...entry, standing: now.value } : entry
  }

  /** Whatever stands behind it in its chain and builds on the same version now builds on the next one. */
  async #complete(entry: Entry): Promise<void> {
    // Not the version of the answer: when this is an answer repeated, others may have moved the case since,
    // and what they did has to be seen before anything is built on it.
    const moves = entry.kind === 'case_action' || entry.kind === 'call_action'
    const followers = moves ? await this.#followers(entry, Number(entry.body['version']) + 1) : []
    await this.#ports.store.complete(entry, followers)
    await this.announce()
  }

  async #followers(entry: Entry, version: number): Promise<Entry[]> {
    return (await this.#ports.store.all(entry.person_id ?? ''))
      .filter((other) => other.chain === entry.chain && other.seq > entry.seq && other.state !== 'sent')
      .filter((other) => other.subject?.id === entry.subject?.id && other.body['version'] === entry.body['version'])
      .map((other) => ({ ...other, body: { ...other.body, version } }))
  }

  async #own(id: string): Promise<Entry | undefined> {
    const entry = await this.#ports.store.get(id)
    return entry && entry.person_id === this.#person ? entry : undefined
  }

  async #save(entry: Entry): Promise<void> {
    await this.#ports.store.put(entry)
    await this.announce()
  }

  async #trim(): Promise<void> {
    if (!this.#person) return
    const sent = (await this.#ports.store.all(this.#person)).filter((entry) => entry.state === 'sent')
    const old = sent.slice(0, Math.max(0, sent.length - KEPT_SENT))
    if (!old.length) return
    await this.#ports.store.remove(old.map(({ id }) => id))
    await this.announce()
  }

  #time(): string {
    return new Date(this.#ports.now()).toISOString()
  }
}

/** By chain, each in its order; the chain with the oldest entry first. */
function inChains(entries: readonly Entry[]): Entry[][] {
  const chains = new Map<string, Entry[]>()
  for (const entry of entries) chains.set(entry.chain, [...(chains.get(entry.chain) ?? []), entry])
  return [...chains.values()]
}

/** Whether the case as it is now allows what was meant. */
export const mayRedo = (entry: Pick<Entry, 'standing' | 'body'>): boolean =>
  entry.standing !== null && (entry.standing.legal?.includes(String(entry.body['action'])) ?? true)

/** Its owner sends it once more himself: what was lost may be sent again as well. */
const anew = (photo: LedgerPhoto): LedgerPhoto => ({ ...photo, lost: false })

function damaged(photo: LedgerPhoto): NonNullable<Entry['problem']> {
  return { ...localProblem('unacceptable_photo', 0, 'the bytes on the phone are not the photo’s any more'), facts: { reason: 'truncated', sha256: photo.sha256 } }
}

// Plain builders and fakes: a store in memory, a network that does as it is told, a clock by hand.

import type { Problem, ReportIn, ReportOut } from '../../src/api/types.ts'
import { Outbox } from '../../src/core/outbox.ts'
import type { Entry, Outcome, OutboxStore, PhotoBody, Transport } from '../../src/core/outbox.ts'
import { localProblem } from '../../src/core/problem.ts'

export const NOW_MS = Date.parse('2026-11-23T02:00:00Z')

export function makeReport(over: Partial<ReportIn> = {}): ReportIn {
  return {
    id: '019ab000-0000-7000-8000-000000000001',
    category: '09006',
    description: '占道经营',
    source: 'patrol',
    position: { lon: 117.645, lat: 39.033, datum: 'wgs84', accuracy_m: 12 },
    observed_at: '2026-11-23T01:59:00Z',
    photos: [],
    self_handled: false,
    ...over,
  }
}

export const makeAnswer = (id: string): ReportOut => ({ id, case_number: `N-${id}` }) as ReportOut

export const makeProblem = (code: string, status: number): Problem => localProblem(code, status, code)

export class MemoryStore implements OutboxStore {
  readonly entries = new Map<string, Entry>()
  readonly photos = new Map<string, PhotoBody>()

  all = async (): Promise<Entry[]> => structuredClone([...this.entries.values()])
  get = async (id: string): Promise<Entry | undefined> => structuredClone(this.entries.get(id))
  photo = async (sha256: string): Promise<PhotoBody | undefined> => this.photos.get(sha256)
  put = async (entry: Entry): Promise<void> => void this.entries.set(entry.id, structuredClone(entry))
  async add(entry: Entry, bodies: ReadonlyMap<string, PhotoBody>): Promise<void> {
    for (const [sha256, body] of bodies) this.photos.set(sha256, body)
    await this.put(entry)
  }
  async remove(id: string): Promise<void> {
    const entry = this.entries.get(id)
    this.entries.delete(id)
    if (entry) await this.releasePhotos(entry)
  }
  async releasePhotos(entry: Entry): Promise<void> {
    for (const { sha256 } of entry.photos) this.photos.delete(sha256)
  }
}

type Answer = Outcome<ReportOut>['kind'] | ((report: ReportIn) => Outcome<ReportOut>)

/** A network that plays the given answers in order, then says "done" for ever; it notes what was sent. */
export class ScriptedNetwork implements Transport {
  readonly sent: string[] = []
  /** What the server has stored: id of the report → how often it was received. */
  readonly received = new Map<string, number>()
  readonly answers: Answer[]
  photoAnswers: Outcome<unknown>[] = []
  held: Promise<void> | null = null

  constructor(...answers: Answer[]) {
    this.answers = answers
  }

  async putPhoto(photo: { sha256: string }): Promise<Outcome<unknown>> {
    this.sent.push(`photo ${photo.sha256}`)
    return this.photoAnswers.shift() ?? { kind: 'done', value: null }
  }

  async postReport(report: ReportIn): Promise<Outcome<ReportOut>> {
    this.sent.push(`report ${report.id}`)
    await this.held
    const answer = this.answers.shift() ?? 'done'
    if (typeof answer === 'function') return answer(report)
    if (answer === 'done') {
      this.received.set(report.id, (this.received.get(report.id) ?? 0) + 1)
      return { kind: 'done', value: makeAnswer(report.id) }
    }
    if (answer === 'refused') return { kind: 'refused', problem: makeProblem('outside_area', 422) }
    if (answer === 'signed_out') return { kind: 'signed_out', problem: makeProblem('not_signed_in', 401) }
    if (answer === 'server_fault') {
      return { kind: 'server_fault', problem: makeProblem('unavailable', 503), retry_after_s: null }
    }
    return { kind: 'no_network' }
  }
}

export function makeOutbox(network: ScriptedNetwork, store = new MemoryStore()) {
  const clock = { ms: NOW_MS }
  const outbox = new Outbox({ store, transport: network, now: () => clock.ms, random: () => 1 })
  const entry = (id = makeReport().id): Entry => {
    const found = store.entries.get(id)
    if (!found) throw new Error(`no entry ${id}`)
    return found
  }
  return { outbox, store, clock, entry }
}

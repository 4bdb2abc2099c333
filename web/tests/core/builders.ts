// Plain builders and fakes: a store in memory, a network that does as it is told, a clock by hand.

import type { Problem, ReportIn, ReportOut } from '../../src/api/types.ts'
import { caseActionJob, Outbox, reportJob } from '../../src/core/outbox.ts'
import type { Entry, Job, LedgerPhoto, Outcome, OutboxStore, PhotoBody, PhotoRef, Standing, Transport, UploadNews } from '../../src/core/outbox.ts'
import { localProblem } from '../../src/core/problem.ts'

export const NOW_MS = Date.parse('2026-11-23T02:00:00Z')
export const ME = '019ab000-0000-7000-8000-0000000000aa'
export const OTHER = '019ab000-0000-7000-8000-0000000000bb'
export const CASE = '019ab000-0000-7000-8000-00000000c001'

export function makeReport(over: Partial<ReportIn> = {}): ReportIn {
  return {
    id: '019ab000-0000-7000-8000-000000000001',
    category: '09006',
    description: '占道经营',
    source: 'patrol',
    position: { lon: 117.645, lat: 39.033, datum: 'wgs84', accuracy_m: 12 },
    observed_at: '2026-11-23T01:59:00Z',
    photos: [],
    recordings: [],
    self_handled: false,
    ...over,
  }
}

/** A report and its photos, whose bytes are as many as their number says. */
export function makeJob(over: Partial<ReportIn> = {}, photos: PhotoRef[] = []): [Job, Map<string, PhotoBody>] {
  const report = makeReport({ ...over, photos: photos.map((photo) => photo.sha256) })
  return [reportJob(report, '占道经营', photos), new Map(photos.map(({ sha256, bytes }) => [sha256, { size: bytes }]))]
}

export const makePhoto = (n: number, bytes = 3): PhotoRef =>
  ({ sha256: n.toString(16).padStart(64, '0'), media_type: 'image/jpeg', bytes })

/** A move of a case that its sender saw at a version. */
export const makeMove = (n: number, action: string, version: number, case_id = CASE, photos: PhotoRef[] = []): Job =>
  caseActionJob({
    case_id, title: action, photos,
    command: { command_id: `019ab000-0000-7000-8000-00000000f${n.toString().padStart(3, '0')}`, action, version, facts: {} },
  })

export const makeAnswer = (id: string): ReportOut => ({ id, case_number: `N-${id}` }) as ReportOut

export const makeProblem = (code: string, status: number, facts = {}): Problem => ({ ...localProblem(code, status, code), facts })

export class MemoryStore implements OutboxStore {
  readonly entries = new Map<string, Entry>()
  readonly photos = new Map<string, PhotoBody>()
  #seq = 0

  all = async (person_id: string): Promise<Entry[]> =>
    structuredClone([...this.entries.values()].filter((one) => one.person_id === person_id).sort((a, b) => a.seq - b.seq))
  others = async (person_id: string): Promise<number> =>
    [...this.entries.values()].filter((one) => one.person_id !== person_id && one.state !== 'sent').length
  get = async (id: string): Promise<Entry | undefined> => structuredClone(this.entries.get(id))
  photo = async (sha256: string): Promise<PhotoBody | undefined> => this.photos.get(sha256)
  async put(entry: Entry): Promise<void> {
    const stored = this.entries.get(entry.id)
    if (stored && stored.state !== 'sent') this.entries.set(entry.id, structuredClone(entry))
  }
  async add(entry: Omit<Entry, 'seq'>, bodies: ReadonlyMap<string, PhotoBody>): Promise<void> {
    const known = this.entries.get(entry.id)
    if (known && known.state !== 'refused' && known.state !== 'conflict') return
    for (const [sha256, body] of bodies) this.photos.set(sha256, body)
    this.entries.set(entry.id, structuredClone({ ...entry, seq: known?.seq ?? (this.#seq += 1) }))
  }
  async complete(entry: Entry, followers: readonly Entry[]): Promise<void> {
    for (const one of [entry, ...followers]) this.entries.set(one.id, structuredClone(one))
    await this.sweep()
  }
  async remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.entries.delete(id)
    await this.sweep()
  }
  async adopt(person_id: string): Promise<void> {
    for (const entry of this.entries.values()) entry.person_id ??= person_id
  }
  async sweep(): Promise<void> {
    const needed = [...this.entries.values()].filter((one) => one.state !== 'sent').flatMap((one) => one.photos.map((photo) => photo.sha256))
    for (const sha256 of this.photos.keys()) if (!needed.includes(sha256)) this.photos.delete(sha256)
  }
}

type Kind = Outcome<unknown>['kind']
type Answer = Kind | ((entry: Entry) => Outcome<unknown>)

/** A network that plays the given answers in order, then says "done" for ever; it notes what was sent. */
export class ScriptedNetwork implements Transport {
  readonly sent: string[] = []
  readonly bodies: Record<string, unknown>[] = []
  /** What the server has stored: id → how often it was received. */
  readonly received = new Map<string, number>()
  readonly answers: Answer[]
  photoAnswers: ((photo: LedgerPhoto, news: (told: UploadNews) => Promise<void>) => Promise<Outcome<unknown>>)[] = []
  standing: Outcome<Standing> = { kind: 'no_network' }
  held: Promise<void> | null = null

  constructor(...answers: Answer[]) {
    this.answers = answers
  }

  async upload(photo: LedgerPhoto, _body: PhotoBody, _owner: unknown, news: (told: UploadNews) => Promise<void>): Promise<Outcome<unknown>> {
    this.sent.push(`photo ${Number.parseInt(photo.sha256, 16)} from ${photo.sent_bytes}`)
    const answer = this.photoAnswers.shift()
    return answer ? answer(photo, news) : { kind: 'done', value: null }
  }

  async send(entry: Entry, sent_at: string): Promise<Outcome<unknown>> {
    this.sent.push(`${entry.kind} ${entry.id.slice(-4)}`)
    this.bodies.push({ ...entry.body, sent_at })
    await this.held
    const answer = this.answers.shift() ?? 'done'
    if (typeof answer === 'function') return answer(entry)
    if (answer === 'done') {
      this.received.set(entry.id, (this.received.get(entry.id) ?? 0) + 1)
      return { kind: 'done', value: makeAnswer(entry.id) }
    }
    if (answer === 'refused') return { kind: 'refused', problem: makeProblem('outside_area', 422) }
    if (answer === 'signed_out') return { kind: 'signed_out', problem: makeProblem('not_signed_in', 401) }
    if (answer === 'server_fault') return { kind: 'server_fault', problem: makeProblem('unavailable', 503), retry_after_s: null }
    return { kind: 'no_network' }
  }

  look = async (): Promise<Outcome<Standing>> => this.standing
}

export const stale = (version: number): Answer => () => ({ kind: 'refused', problem: makeProblem('stale_version', 409, { version, state: 'handled' }) })

interface Given {
  store?: OutboxStore & { entries?: Map<string, Entry> }
  /** Held by whichever tab sends. */
  lock?: { held: boolean }
  person?: string
}

export function makeOutbox(network: Transport, { store = new MemoryStore(), lock = { held: false }, person = ME }: Given = {}) {
  const clock = { ms: NOW_MS }
  const digests = new Map<PhotoBody, string>()
  const outbox = new Outbox({
    store,
    transport: network,
    digest: async (body) => digests.get(body) ?? [...((store as MemoryStore).photos ?? new Map()).entries()].find(([, one]) => one === body)?.[0] ?? '',
    alone: async (work) => {
      if (lock.held) return false
      lock.held = true
      await work().finally(() => (lock.held = false))
      return true
    },
    now: () => clock.ms,
    random: () => 1,
  })
  const ready = outbox.belongTo(person)
  const entry = (id = makeReport().id): Entry => {
    const found = (store as MemoryStore).entries.get(id)
    if (!found) throw new Error(`no entry ${id}`)
    return found
  }
  return { outbox, store: store as MemoryStore, clock, entry, digests, ready, lock }
}

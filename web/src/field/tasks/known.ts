// What this phone knows of its person's tasks: read from the server when it answers, kept on the phone, and
// shown from there with its age when it does not. Cases in the list are read ahead, so that each can be
// opened in a stairwell.

import { reactive, readonly, watch } from 'vue'
import type { CaseDetail, CasePage, CaseRow, JointCall, StreamEvent } from '../../api/types.ts'
import { Backoff } from '../../core/backoff.ts'
import { caseAnswer, isSettled } from '../../core/outbox.ts'
import type { Entry } from '../../core/outbox.ts'
import { Refresher } from '../../core/refresher.ts'
import { isFinal } from '../../core/workflow.ts'
import { ApiProblem, call, query } from '../../ports/http.ts'
import { keepCase, keepList, keptCases, keptList } from '../../ports/taskstore.ts'
import { session, whose } from '../../ui/session.ts'
import { entries } from '../outbox/sending.ts'

export interface KnownCase {
  detail: CaseDetail
  read_at_ms: number
}

interface Known {
  /** The person and the post in which he acts; what is read in a post is not his own. */
  whose: string
  rows: CaseRow[] | null
  calls: JointCall[]
  read_at_ms: number | null
  /** The last reading did not succeed: what is shown is what the phone has kept. */
  stale: boolean
  cases: Map<string, KnownCase>
}

const READ_MS = 30_000
const LONGEST_MS = 300_000
const AT_LEAST_MS = 3_000
/** As many as a person has open at a time, and more; beyond it the list shows them, but not offline. */
const READ_AHEAD = 60

const current = reactive<Known>({ whose: '', rows: null, calls: [], read_at_ms: null, stale: false, cases: new Map() })
export const known = readonly(current) as Readonly<Known>

const backoff = new Backoff(READ_MS, LONGEST_MS, { random: () => Math.random() })
const refresher = new Refresher(read, AT_LEAST_MS, {
  now: () => Date.now(),
  after: (ms, work) => void setTimeout(work, ms),
})
let timer: ReturnType<typeof setTimeout> | undefined
let started = false

/** Reads the list again soon; as often as one likes. */
export const nudgeTasks = (): void => refresher.nudge()

/** Something came over the stream that may be about one of the tasks. */
export function hearTasks(event: Pick<StreamEvent, 'kind' | 'case_id'>): void {
  if (event.kind === 'inbox_changed' || (event.case_id && current.rows?.some((row) => row.id === event.case_id))) {
    refresher.nudge()
  }
}

/** Starts reading; again is harmless. */
export function startTasks(): void {
  if (started) return
  started = true
  watch(whose, become, { immediate: true })
  watch(
    () => session.state,
    (state) => {
      if (state === 'in') refresher.nudge()
    },
  )
  // What went out of the outbox by itself changed the case. Only what was seen waiting: the others, which come
  // when the outbox is opened, were sent long ago, and what they were answered may be outdated.
  watch(entries, (now, before) => {
    const waited = new Set(before.filter((entry) => !isSettled(entry)).map((entry) => entry.id))
    for (const entry of now) {
      if (isSettled(entry) && waited.has(entry.id) && entry.chain.startsWith('case:')) answered(entry)
    }
  })
  addEventListener('focus', () => refresher.nudge())
  addEventListener('online', () => refresher.nudge())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') refresher.nudge()
  })
}

function answered(entry: Entry): void {
  const detail = caseAnswer(entry)
  // What may be done to it was said to whoever did it: himself, or in a post.
  const asNow = entry.behalf === (session.acting?.person_id ?? null)
  if (detail && asNow && detail.version > (current.cases.get(detail.id)?.detail.version ?? 0)) adopt(detail)
  refresher.nudge()
}

async function become(of: string): Promise<void> {
  Object.assign(current, { whose: of, rows: null, calls: [], read_at_ms: null, stale: false, cases: new Map() })
  if (!of) return
  const [list, cases] = await Promise.all([keptList(of), keptCases(of)])
  // The server may have been quicker, or somebody else may have come meanwhile.
  if (current.whose !== of) return
  for (const one of cases) {
    const newer = current.cases.get(one.case_id)
    if (newer && newer.detail.version >= one.version) continue
    current.cases.set(one.case_id, { detail: one.detail, read_at_ms: one.read_at_ms })
  }
  if (list && current.rows === null) {
    Object.assign(current, { rows: list.rows, calls: list.calls, read_at_ms: list.read_at_ms })
  }
  refresher.nudge()
}

async function read(): Promise<void> {
  clearTimeout(timer)
  const of = current.whose
  try {
    if (!of) return
    const [page, called] = await Promise.all([
      call<CasePage>(`/cases${query({ mine: true, open_only: true, limit: 200 })}`),
      session.me?.unit_code ? call<{ items: JointCall[] }>(`/joint-calls${query({ mine: true })}`) : null,
    ])
    if (current.whose !== of) return
    const rows = page.items.filter((row) => !isFinal(row.state))
    const calls = called?.items ?? []
    const read_at_ms = Date.now()
    Object.assign(current, { rows, calls, read_at_ms, stale: false })
    backoff.succeeded()
    await keepList({ person_id: of, rows: plain(rows), calls: plain(calls), read_at_ms })
    await readAhead(of)
  } catch {
    backoff.failed()
    if (current.whose === of) current.stale = true
  } finally {
    again()
  }
}

/** While nobody looks nothing is read, and the next time is set all the same. */
function again(): void {
  clearTimeout(timer)
  timer = setTimeout(() => (document.visibilityState === 'visible' ? refresher.nudge() : again()), backoff.pause_ms)
}

/** Cases that changed since they were read, one after the other: a list must not crowd out a report. */
async function readAhead(of: string): Promise<void> {
  const called = current.calls.map((one) => one.case_id)
  const wanted = [...(current.rows ?? []).slice(0, READ_AHEAD)]
    .filter((row) => current.cases.get(row.id)?.detail.version !== row.version)
    .map((row) => row.id)
  const unread = called.filter((id) => !current.cases.has(id) && !wanted.includes(id))
  for (const id of [...wanted, ...unread]) {
    if (current.whose !== of) return
    await readCase(id).catch((fault: unknown) => {
      // One that may not be read, or is gone, is no reason to leave the others unread.
      if (!isClosed(fault)) throw fault
    })
  }
}

const isClosed = (fault: unknown): boolean => fault instanceof ApiProblem && [403, 404].includes(fault.problem.status)

/** A case from the server, kept on the phone. Rejects as `call` does. */
export async function readCase(id: string): Promise<CaseDetail> {
  const of = current.whose
  try {
    const detail = await call<CaseDetail>(`/cases/${id}`)
    if (of && current.whose === of) adopt(detail)
    return detail
  } catch (fault) {
    if (current.whose === of && fault instanceof ApiProblem && fault.problem.status === 404) current.cases.delete(id)
    throw fault
  }
}

/** The newest word of the server about a case; what was said before the last one counts no more. */
export function adopt(detail: CaseDetail): void {
  if (detail.version < (current.cases.get(detail.id)?.detail.version ?? 0)) return
  const read_at_ms = Date.now()
  current.cases.set(detail.id, { detail, read_at_ms })
  const row = current.rows?.findIndex((one) => one.id === detail.id) ?? -1
  if (current.rows && row >= 0) current.rows[row] = rowOf(detail, current.rows[row] as CaseRow)
  if (current.whose) void keepCase(current.whose, plain(detail), read_at_ms)
}

/** The row as it stands after a case was read: the fields that rows have, from the case. */
function rowOf(detail: CaseDetail, row: CaseRow): CaseRow {
  const names = Object.keys(row) as (keyof CaseRow)[]
  return Object.fromEntries(names.map((name) => [name, detail[name]])) as unknown as CaseRow
}

/** Without Vue's proxies, which storage cannot clone. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

// What this phone knows of its person's tasks: read from the server when it answers, kept on the phone, and
// shown from there with its age when it does not. Cases in the list are read ahead, so that each can be
// opened in a stairwell.

import { reactive, readonly, watch } from 'vue'
import type { CaseDetail, CasePage, CaseRow, JointCall, StreamEvent } from '../../api/types.ts'
import { Backoff } from '../../core/backoff.ts'
import { caseAnswer } from '../../core/outbox.ts'
import { Refresher } from '../../core/refresher.ts'
import { isFinal } from '../../core/workflow.ts'
import { ApiProblem, call, query } from '../../ports/http.ts'
import { forget, keepCase, keepList, keptCases, keptList } from '../../ports/taskstore.ts'
import { session } from '../../ui/session.ts'
import { sent } from '../outbox/sending.ts'

export interface KnownCase {
  detail: CaseDetail
  read_at_ms: number
}

interface Known {
  person_id: string | null
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

const current = reactive<Known>({ person_id: null, rows: null, calls: [], read_at_ms: null, stale: false, cases: new Map() })
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
  watch(() => session.me?.id ?? null, become, { immediate: true })
  watch(
    () => session.state,
    (state, before) => {
      if (state === 'out' && before === 'in' && current.person_id) {
        void forget(current.person_id)
        Object.assign(current, { rows: null, calls: [], read_at_ms: null, cases: new Map() })
      }
      if (state === 'in') refresher.nudge()
    },
  )
  // What went out of the outbox by itself changed the case.
  watch(sent, (now, before) => {
    const old = new Set(before.map((entry) => entry.id))
    for (const entry of now) {
      if (old.has(entry.id) || !entry.chain.startsWith('case:')) continue
      const detail = caseAnswer(entry)
      if (detail) adopt(detail)
      refresher.nudge()
    }
  })
  addEventListener('focus', () => refresher.nudge())
  addEventListener('online', () => refresher.nudge())
}

async function become(person_id: string | null): Promise<void> {
  Object.assign(current, { person_id, rows: null, calls: [], read_at_ms: null, stale: false, cases: new Map() })
  if (!person_id) return
  const [list, cases] = await Promise.all([keptList(person_id), keptCases(person_id)])
  // The server may have been quicker, or somebody else may have come meanwhile.
  if (current.person_id !== person_id) return
  for (const one of cases) {
    if (!current.cases.has(one.case_id)) current.cases.set(one.case_id, { detail: one.detail, read_at_ms: one.read_at_ms })
  }
  if (list && current.rows === null) {
    Object.assign(current, { rows: list.rows, calls: list.calls, read_at_ms: list.read_at_ms })
  }
  refresher.nudge()
}

async function read(): Promise<void> {
  clearTimeout(timer)
  const person_id = current.person_id
  try {
    if (!person_id) return
    const [page, called] = await Promise.all([
      call<CasePage>(`/cases${query({ mine: true, open_only: true, limit: 200 })}`),
      session.me?.unit_code ? call<{ items: JointCall[] }>(`/joint-calls${query({ mine: true })}`) : null,
    ])
    if (current.person_id !== person_id) return
    const rows = page.items.filter((row) => !isFinal(row.state))
    const calls = called?.items ?? []
    const read_at_ms = Date.now()
    Object.assign(current, { rows, calls, read_at_ms, stale: false })
    backoff.succeeded()
    await keepList({ person_id, rows: plain(rows), calls: plain(calls), read_at_ms })
    await readAhead(person_id)
  } catch {
    backoff.failed()
    current.stale = true
  } finally {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (document.visibilityState === 'visible') refresher.nudge()
    }, backoff.pause_ms)
  }
}

/** Cases that changed since they were read, one after the other: a list must not crowd out a report. */
async function readAhead(person_id: string): Promise<void> {
  const called = current.calls.map((one) => one.case_id)
  const wanted = [...(current.rows ?? []).slice(0, READ_AHEAD)]
    .filter((row) => current.cases.get(row.id)?.detail.version !== row.version)
    .map((row) => row.id)
  const unread = called.filter((id) => !current.cases.has(id) && !wanted.includes(id))
  for (const id of [...wanted, ...unread]) {
    if (current.person_id !== person_id) return
    await readCase(id)
  }
}

/** A case from the server, kept on the phone. Rejects as `call` does. */
export async function readCase(id: string): Promise<CaseDetail> {
  const person_id = current.person_id
  try {
    const detail = await call<CaseDetail>(`/cases/${id}`)
    if (person_id && current.person_id === person_id) adopt(detail)
    return detail
  } catch (fault) {
    if (fault instanceof ApiProblem && fault.problem.status === 404) current.cases.delete(id)
    throw fault
  }
}

/** The newest word of the server about a case. */
export function adopt(detail: CaseDetail): void {
  const read_at_ms = Date.now()
  current.cases.set(detail.id, { detail, read_at_ms })
  const row = current.rows?.findIndex((one) => one.id === detail.id) ?? -1
  if (current.rows && row >= 0) current.rows[row] = rowOf(detail, current.rows[row] as CaseRow)
  if (current.person_id) void keepCase(current.person_id, plain(detail), read_at_ms)
}

/** The row as it stands after a case was read: the fields that rows have, from the case. */
function rowOf(detail: CaseDetail, row: CaseRow): CaseRow {
  const names = Object.keys(row) as (keyof CaseRow)[]
  return Object.fromEntries(names.map((name) => [name, detail[name]])) as unknown as CaseRow
}

/** Without Vue's proxies, which storage cannot clone. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

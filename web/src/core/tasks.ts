// What waits for a person in the field: which kind of work each task is, in which order, with which light.
//
// What he may do is the server's word (`legal`, `tasks[].legal`) as it was last read; while that is not on
// the phone yet, the state and his own permissions say what the task will be.

import type { CaseDetail, CaseRow, JointCall, Light } from '../api/types.ts'
import { awaits } from './workflow.ts'

export const KINDS = ['sign', 'handle', 'verify', 'confirm', 'call'] as const
export type TaskKind = (typeof KINDS)[number]

export interface Doer {
  id: string
  permissions: readonly string[]
  unit_code: string | null
}

export interface Task {
  /** Of the case; a sub-task of a joint call is `<case>/<task>`. */
  id: string
  case_id: string
  kind: TaskKind
  row: CaseRow | null
  call: CalledTask | null
  due_at: string | null
  light: Light | null
}

export interface CalledTask {
  call_id: string
  task_id: string
  purpose: JointCall['purpose']
  what: string
  state: JointCall['tasks'][number]['state']
  number: string
}

type Done = 'sign_for' | 'submit_result' | 'reach_milestone' | 'resume' | 'pass_verification' | 'confirm'
const BY_ACTION: readonly (readonly [Done, TaskKind])[] = [
  ['sign_for', 'sign'],
  ['submit_result', 'handle'],
  ['reach_milestone', 'handle'],
  ['resume', 'handle'],
  ['pass_verification', 'verify'],
  ['confirm', 'confirm'],
]
const BY_STATE: Partial<Record<CaseRow['state'], TaskKind>> = {
  on_hold: 'handle',
  handled: 'verify',
  reported: 'confirm',
}

/** The kind of work that a case is for a person; null when it waits for somebody else. */
export function kindOf(row: CaseRow, detail: CaseDetail | null, me: Doer): TaskKind | null {
  if (detail && detail.version === row.version) {
    const mine = new Set(detail.legal.filter((legal) => legal.may === 'do').map((legal) => legal.action))
    if (row.state === 'handling' && row.signed_at === null && mine.has('sign_for')) return 'sign'
    return BY_ACTION.find(([action, kind]) => kind !== 'sign' && mine.has(action))?.[1] ?? null
  }
  if (!awaits(row.state, me.permissions)) return null
  if (row.state === 'handling') return row.signed_at === null ? 'sign' : 'handle'
  return BY_STATE[row.state] ?? null
}

/** The light now: what was green when it was read may be overdue since, whatever the network does. */
export function lightNow(light: Light | null, due_at: string | null, now_ms: number): Light | null {
  if (due_at === null) return light
  return Date.parse(due_at) < now_ms ? 'red' : light
}

const dueOf = (row: CaseRow): string | null => row.stage_due_at ?? row.due_at

/** The tasks of a person, from the cases and calls that the phone knows of, by deadline. */
export function tasksOf(
  rows: readonly CaseRow[],
  details: ReadonlyMap<string, CaseDetail>,
  calls: readonly JointCall[],
  me: Doer,
  now_ms: number,
): Task[] {
  const found: Task[] = []
  for (const row of rows) {
    const kind = kindOf(row, details.get(row.id) ?? null, me)
    if (!kind) continue
    const due_at = dueOf(row)
    found.push({ id: row.id, case_id: row.id, kind, row, call: null, due_at, light: lightNow(row.light, due_at, now_ms) })
  }
  for (const call of calls) {
    for (const task of call.tasks) {
      if (task.unit_code !== me.unit_code || task.ended_at !== null) continue
      const due_at = nextDue(task)
      found.push({
        id: `${call.case_id}/${task.id}`,
        case_id: call.case_id,
        kind: 'call',
        row: rows.find((row) => row.id === call.case_id) ?? details.get(call.case_id) ?? null,
        call: { call_id: call.id, task_id: task.id, purpose: call.purpose, what: task.what, state: task.state, number: '' },
        due_at,
        light: lightNow('green', due_at, now_ms),
      })
    }
  }
  return found.sort(byDeadline)
}

function nextDue(task: JointCall['tasks'][number]): string | null {
  if (!task.signed_in_at) return task.sign_in_due_at ?? task.due_at
  return task.arrived_at ? task.due_at : (task.arrive_due_at ?? task.due_at)
}

/** The nearest deadline first; what has none comes last; equals by id, so that the list stands still. */
export function byDeadline(a: Task, b: Task): number {
  const [due_a, due_b] = [a.due_at ?? '9', b.due_at ?? '9']
  if (due_a !== due_b) return due_a < due_b ? -1 : 1
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

export interface Group {
  kind: TaskKind
  tasks: Task[]
}

/** By kind of work in its usual order, each by deadline; empty kinds are left out. */
export function grouped(tasks: readonly Task[]): Group[] {
  return KINDS.map((kind) => ({ kind, tasks: tasks.filter((task) => task.kind === kind) })).filter(
    (group) => group.tasks.length > 0,
  )
}

export type Filter = 'all' | 'overdue' | TaskKind

export function filtered(tasks: readonly Task[], filter: Filter): Task[] {
  if (filter === 'all') return [...tasks]
  if (filter === 'overdue') return tasks.filter((task) => task.light === 'red')
  return tasks.filter((task) => task.kind === filter)
}

/** How old what the phone knows is, in whole minutes; null when it is fresh. */
export function ageMinutes(read_at_ms: number | null, now_ms: number): number | null {
  if (read_at_ms === null) return null
  const minutes = Math.floor((now_ms - read_at_ms) / 60_000)
  return minutes >= 2 ? minutes : null
}

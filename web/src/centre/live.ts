// Keeps the centre within about a second of the truth: events arrive by stream, each nudges the reads
// it concerns, and while the stream is down the page polls.

import { watch } from 'vue'
import type { Board, CasePoints, Cells, Extent, Heat, StreamEvent } from '../api/types.ts'
import { Refresher } from '../core/refresher.ts'
import { ApiProblem, call, query } from '../ports/http.ts'
import { openStream } from '../ports/stream.ts'
import { hearInbox, inboxStream, startInbox } from '../ui/inbox/inbox.ts'
import { ensure, may, session } from '../ui/session.ts'
import { centre, feed, inbox, keep, readDetail, selectCase, showView, viewsFor } from './state.ts'

const BOARD_MS = 700
const DETAIL_MS = 500
const CELLS_MS = 8_000
const HEAT_MS = 3_000
const LIST_MS = 2_000
const POLL_MS = 5_000
/** Lights change with time alone, so a quiet board is read again now and then. */
const QUIET_MS = 60_000

const ports = { now: () => Date.now(), after: (ms: number, work: () => void) => void setTimeout(work, ms) }

let read_ms = 0

const board = new Refresher(readBoard, BOARD_MS, ports)
const points = new Refresher(readPoints, BOARD_MS, ports)
const cells = new Refresher(readCells, CELLS_MS, ports)
const heat = new Refresher(readHeat, HEAT_MS, ports)
const detail = new Refresher(readDetail, DETAIL_MS, ports)
const list = new Refresher(async () => void (inbox.changes += 1), LIST_MS, ports)

async function readBoard(): Promise<void> {
  if (!may('board:read')) return
  try {
    const answer = await call<Board>('/board')
    read_ms = Date.now()
    feed(answer.recent, inbox.board !== null)
    inbox.board = answer
  } catch (fault) {
    if (fault instanceof ApiProblem && fault.problem.status === 401) await ensure(true)
    throw fault
  }
}

async function readPoints(): Promise<void> {
  if (!may('case:read')) return keep('points', { type: 'FeatureCollection', features: [], truncated: false })
  keep('points', await call<CasePoints>('/cases.geojson?open=true'))
}

async function readCells(): Promise<void> {
  if (!may('plan:read')) return
  keep('cells', await call<Cells>('/cells?plan=current'))
}

async function readHeat(): Promise<void> {
  if (!centre.layers.heat || !may('board:read')) return
  keep('heat', await call<Heat>(`/heat${query({ resolution: centre.heat_resolution })}`))
}

function readAll(): void {
  for (const one of [board, points, cells, heat, detail, list]) one.nudge()
}

function hear(event: StreamEvent): void {
  hearInbox(event)
  // About the person's own inbox, and nothing that happened on the street.
  if (event.kind === 'inbox_changed') return
  feed([{ ...event, kind_name: event.kind, category_name: null }], true)
  for (const one of [board, points, cells, heat, list]) one.nudge()
  if (event.case_id && event.case_id === centre.case_id) detail.nudge()
  if (event.kind === 'plan_published') inbox.plans += 1
}

/** Starts reading; call once, when somebody is signed in. */
export async function startLive(): Promise<void> {
  startInbox()
  await readerOfStreet()
  inbox.extent = await untilAnswered(() => call<Extent>('/extent'))
  readAll()
  openStream({
    onEvent: hear,
    onState(state) {
      inbox.stream = state
      inboxStream(state)
      // What happened between the last reading and this connection.
      if (state === 'live') readAll()
    },
  })
  setInterval(() => {
    const quiet = Date.now() - read_ms > QUIET_MS
    if (document.visibilityState === 'visible' && (centre.stream !== 'live' || quiet)) readAll()
  }, POLL_MS)
  watch(() => [centre.layers.heat, centre.heat_resolution], () => heat.nudge())
  // What one may see and do depends on who acts.
  watch([() => session.me?.id, () => session.acting?.person_id], () => {
    if (!may('case:read')) selectCase(null)
    if (!viewsFor(may).includes(centre.view)) showView('map')
    readAll()
  })
}

/** Waits until somebody acts who sees the street; administrators and auditors do not. */
async function readerOfStreet(): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = watch(
      () => may('board:read'),
      (sees) => {
        if (!sees) return
        resolve()
        queueMicrotask(() => stop())
      },
      { immediate: true },
    )
  })
}

async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
}

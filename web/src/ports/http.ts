// The one door to the server: JSON in, JSON out, refusals as ApiProblem, silence as NetworkFault.
//
// Same origin only; the session is a cookie that scripts cannot read. A fault is a fault of the
// network when no answer came at all, and of the server when one did.

import type { Problem } from '../api/types.ts'
import { asProblem } from '../core/problem.ts'

export class ApiProblem extends Error {
  readonly problem: Problem
  readonly retry_after_s: number | null

  constructor(problem: Problem, retry_after_s: number | null) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`)
    this.problem = problem
    this.retry_after_s = retry_after_s
  }
}

export class NetworkFault extends Error {}

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  json?: unknown
  body?: Blob
  signal?: AbortSignal
  timeout_ms?: number
  /** In whose post; null is as oneself. Without it, as this page acts now. */
  behalf?: string | null
  /** Whose this is: refused when somebody else is signed in on this phone by now. */
  sent_by?: string | null
}

const TIMEOUT_MS = 20_000

type SignedOut = 'nobody' | 'somebody_else'
let signedOut: (now: SignedOut) => void = () => undefined

/** Has a function called whenever the server says that nobody is signed in any more, or somebody else. */
export function onSignedOut(listener: (now: SignedOut) => void): void {
  signedOut = listener
}

let behalf: string | null = null

/** From now on the page acts in the post of this person (a deputy 代理); null ends that. */
export function actInPostOf(person_id: string | null): void {
  behalf = person_id
}

export const API = '/api/v1'

/** Calls the API and returns its JSON; undefined for 204. */
export async function call<T>(path: string, options: Call = {}): Promise<T> {
  const { response, body } = await answer(path, options)
  if (response.status === 204) return undefined as T
  const text = await body.text()
  if (response.ok) return JSON.parse(text) as T
  throw asFault(response.status, jsonOf(text), response.headers.get('Retry-After'))
}

/** Null for what is no JSON: a proxy's page, say. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** An error answer as what is thrown; whoever waits for the end of the session hears of it. */
export function asFault(status: number, body: unknown, retry_after: string | null): ApiProblem {
  const problem = asProblem(status, body)
  if (problem.code === 'not_signed_in') signedOut('nobody')
  if (problem.code === 'sender_differs') signedOut('somebody_else')
  return new ApiProblem(problem, retryAfter(retry_after, problem))
}

/** The bytes of an answer with their ETag; null when they are still as under the ETag given. */
export async function fetchBytes(path: string, etag: string | null): Promise<{ etag: string; body: ArrayBuffer } | null> {
  const { response, body } = await heard(path, {
    headers: { ...(etag ? { 'If-None-Match': etag } : {}), ...(behalf ? { 'On-Behalf-Of': behalf } : {}) },
    // The browser's own copy would answer a 304 with a 200 of old bytes.
    cache: 'no-store',
  })
  if (response.status === 304) return null
  if (!response.ok) throw asFault(response.status, jsonOf(await body.text()), response.headers.get('Retry-After'))
  return { etag: response.headers.get('ETag') ?? '', body: await body.arrayBuffer() }
}

function answer(path: string, options: Call): Promise<Heard> {
  const headers = new Headers({ Accept: 'application/json' })
  if (options.json !== undefined) headers.set('Content-Type', 'application/json')
  else if (options.body) headers.set('Content-Type', options.body.type)
  const post = options.behalf === undefined ? behalf : options.behalf
  if (post) headers.set('On-Behalf-Of', post)
  if (options.sent_by) headers.set('Sent-By', options.sent_by)
  const body = options.json === undefined ? (options.body ?? null) : JSON.stringify(options.json)
  return heard(path, { method: options.method ?? 'GET', headers, body }, options)
}

interface Heard {
  response: Response
  body: Blob
}

/** An answer to its end. A line that brings nothing for the time allowed is dead, also in the middle of a body. */
async function heard(path: string, init: RequestInit, { timeout_ms = TIMEOUT_MS, signal }: Call = {}): Promise<Heard> {
  const timer = new AbortController()
  let stop: ReturnType<typeof setTimeout> | undefined
  const wait = (): void => {
    clearTimeout(stop)
    stop = setTimeout(() => timer.abort(), timeout_ms)
  }
  signal?.addEventListener('abort', () => timer.abort(), { once: true })
  try {
    wait()
    const response = await fetch(API + path, { credentials: 'same-origin', ...init, signal: timer.signal })
    wait()
    return { response, body: await pieces(response, wait) }
  } catch (fault) {
    throw new NetworkFault(String(fault))
  } finally {
    clearTimeout(stop)
  }
}

async function pieces(response: Response, more: () => void): Promise<Blob> {
  const all: BlobPart[] = []
  const reader = response.body?.getReader()
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    more()
    all.push(piece.value)
  }
  return new Blob(all)
}

function retryAfter(given: string | null, problem: Problem): number | null {
  const header = Number(given ?? Number.NaN)
  if (Number.isFinite(header)) return header
  const fact = problem.facts['retry_after_s']
  return typeof fact === 'number' ? fact : null
}

/** `?a=1&b=2` of the given values; null and undefined are left out. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const kept = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '')
  return kept.length ? `?${new URLSearchParams(kept.map(([name, value]) => [name, String(value)]))}` : ''
}

// A server that knows who is signed in, for tests of a phone that several people share.

import { vi } from 'vitest'
import type { CaseDetail, CaseRow, Me } from '../../src/api/types.ts'

export const makeMe = (id: string): Me =>
  ({ id, name: id, roles: [], permissions: ['case:read', 'patrol:walk'], unit_code: null, cell_codes: [], demo: false }) as unknown as Me

export const makeRow = (id: string, version = 1): CaseRow => ({ id, version, state: 'dispatched' }) as unknown as CaseRow
export const makeDetail = (id: string, version: number): CaseDetail => ({ id, version, state: 'dispatched', legal: [] }) as unknown as CaseDetail

interface Heard {
  path: string
  behalf: string | null
}

export function makeServer() {
  const server = {
    /** Whose cookie the browser has. */
    who: null as string | null,
    /** By person, or by `person@post`. */
    rows: {} as Record<string, CaseRow[]>,
    details: {} as Record<string, CaseDetail | 403>,
    heard: [] as Heard[],
    /** Answers that begin with this are held back until `answer` is called. */
    hold: null as string | null,
    answer: (): void => undefined,
  }
  let held: Promise<void> | null = null
  const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status })
  const problem = (code: string, status: number): Response => json({ code, status, detail: code, article: null, facts: {} }, status)
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}): Promise<Response> => {
    const path = url.replace('/api/v1', '').split('?')[0] ?? ''
    const behalf = new Headers(init.headers).get('On-Behalf-Of')
    server.heard.push({ path, behalf })
    const { who } = server
    if (server.hold && path === server.hold) {
      held ??= new Promise((resolve) => (server.answer = () => {
        held = null
        resolve()
      }))
      await held
    }
    if (path === '/demo') return problem('not_found', 404)
    if (!who) return problem('not_signed_in', 401)
    if (path === '/session') return new Response(null, { status: 204 })
    if (path === '/me') return json(makeMe(who))
    if (path === '/cases') return json({ items: server.rows[behalf ? `${who}@${behalf}` : who] ?? [] })
    if (path === '/cases.geojson') return json({ features: [] })
    const detail = server.details[path.replace('/cases/', '')]
    if (detail === 403) return problem('not_allowed', 403)
    return detail ? json(detail) : problem('not_found', 404)
  })
  return server
}

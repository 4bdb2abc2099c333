// @vitest-environment happy-dom
import { createApp, h, nextTick } from 'vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { CaseDetail, LegalAction } from '../../src/api/types.ts'
import CaseActions from '../../src/ui/case/CaseActions.vue'
import { i18n } from '../../src/ui/i18n.ts'
import { ensure } from '../../src/ui/session.ts'

const legal = (over: Partial<LegalAction>): LegalAction => ({
  action: 'sign_for',
  name: '签收',
  requires: [],
  needs_request: false,
  on_site: false,
  may: 'do',
  refusal: null,
  choices: {},
  ...over,
})

const makeDetail = (over: Partial<CaseDetail> = {}): CaseDetail =>
  ({ id: 'case-1', version: 4, state: 'handling', legal: [], requests: [], history: [], routing: null, ...over }) as CaseDetail

interface Asked {
  url: string
  method: string
  body: Record<string, unknown>
}

let asked: Asked[] = []
let answers: Response[] = []

beforeEach(() => {
  asked = []
  answers = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (url.endsWith('/me')) return new Response('null', { status: 503 })
    asked.push({ url, method: init.method ?? 'GET', body: JSON.parse(String(init.body ?? 'null')) })
    return answers.shift() ?? new Response(JSON.stringify(makeDetail()))
  })
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function show(detail: CaseDetail) {
  const root = document.createElement('div')
  const changed: CaseDetail[] = []
  createApp({ render: () => h(CaseActions, { detail, units: [], onChanged: (d: CaseDetail) => changed.push(d) }) })
    .use(i18n)
    .mount(root)
  const find = <T extends HTMLElement>(id: string): T | null => root.querySelector<T>(`[data-testid="${id}"]`)
  return { root, find, changed }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setTimeout(resolve))
  await nextTick()
}

test('only actions that this person may do or ask for are buttons; the others say why not', () => {
  const refusal = { code: 'duties_not_separated', detail: 'no', article: '22-1' }
  const { root, find } = show(
    makeDetail({
      legal: [
        legal({ action: 'sign_for' }),
        legal({ action: 'extend', needs_request: true, may: 'ask' }),
        legal({ action: 'submit_result', may: null, refusal }),
      ],
    }),
  )
  expect('签收').toBe(find('action-sign_for')?.textContent?.trim())
  expect('申请延时').toBe(find('action-extend')?.textContent?.trim())
  expect(null).toBe(find('action-submit_result'))
  expect(root.textContent).toContain('同一人不能既处置又核查')
  expect(root.textContent).toContain('第二十二条第一款')
})

test('an action without facts is one tap and carries the version that was seen', async () => {
  const { find, changed } = show(makeDetail({ legal: [legal({ action: 'sign_for' })] }))
  find('action-sign_for')?.click()
  await settle()
  expect(['/api/v1/cases/case-1/actions', 4]).toEqual([asked[0]?.url, asked[0]?.body['version']])
  expect(1).toBe(changed.length)
})

test('a form is not sent before its required facts are there, and a retry is the same command', async () => {
  answers = [new Response('', { status: 502 })]
  const { find } = show(makeDetail({ legal: [legal({ action: 'fail_verification', requires: ['reason'] })] }))
  find('action-fail_verification')?.click()
  await nextTick()
  const submit = find<HTMLButtonElement>('action-submit')
  expect(true).toBe(submit?.disabled)
  const reason = find<HTMLTextAreaElement>('fact-reason')
  if (reason) reason.value = ' 垃圾还在 '
  reason?.dispatchEvent(new Event('input'))
  await nextTick()
  submit?.form?.dispatchEvent(new Event('submit'))
  await settle()
  expect('internal_error').toBe(find('refusal')?.dataset['code'])
  submit?.form?.dispatchEvent(new Event('submit'))
  await settle()
  expect([{ reason: '垃圾还在' }, { reason: '垃圾还在' }]).toEqual(asked.map((one) => one.body['facts']))
  const ids = asked.map((one) => String(one.body['command_id']))
  expect(1).toBe(new Set(ids).size)
  expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/)
  // The device's own time is that of the intention: the same when it is sent again.
  const times = asked.map((one) => String(one.body['device_at']))
  expect(1).toBe(new Set(times).size)
  expect(Number.isNaN(Date.parse(times[0] ?? ''))).toBe(false)
})

test('checking who acts, just before sending, does not empty the form', async () => {
  const me = { id: 'p', name: 'x', roles: [], permissions: [], demo: true }
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (url.endsWith('/me')) return new Response(JSON.stringify(me))
    if (url.endsWith('/demo')) return new Response('{}', { status: 404 })
    asked.push({ url, method: init.method ?? 'GET', body: JSON.parse(String(init.body ?? 'null')) })
    return new Response(JSON.stringify(makeDetail()))
  })
  await ensure(true)
  vi.setSystemTime(Date.now() + 60_000)
  const { find } = show(makeDetail({ legal: [legal({ action: 'fail_verification', requires: ['reason'] })] }))
  find('action-fail_verification')?.click()
  await nextTick()
  const reason = find<HTMLTextAreaElement>('fact-reason')
  if (reason) reason.value = '返工'
  reason?.dispatchEvent(new Event('input'))
  await nextTick()
  find<HTMLButtonElement>('action-submit')?.form?.dispatchEvent(new Event('submit'))
  await settle()
  expect([{ reason: '返工' }]).toEqual(asked.map((one) => one.body['facts']))
})

test('a refusal names the legal actions and reads the case again', async () => {
  const refusal = {
    code: 'illegal_action', status: 409, detail: 'no', article: '22-1',
    facts: { state: 'closed', action: 'sign_for', legal: ['reopen'] },
  }
  answers = [new Response(JSON.stringify(refusal), { status: 409 })]
  const { find, changed } = show(makeDetail({ legal: [legal({ action: 'sign_for' })] }))
  find('action-sign_for')?.click()
  await settle()
  expect(find('refusal')?.textContent).toContain('现在可以：重开')
  expect(['POST', 'GET']).toEqual(asked.map((one) => one.method))
  expect(1).toBe(changed.length)
})

test('what needs approval is asked for, not done', async () => {
  const { find } = show(
    makeDetail({ legal: [legal({ action: 'hold', needs_request: true, may: 'ask', requires: [] })] }),
  )
  find('action-hold')?.click()
  await settle()
  expect(['/api/v1/cases/case-1/requests', 'POST']).toEqual([asked[0]?.url, asked[0]?.method])
})

test('a pending request can be decided by whoever carries the permission, but not by the asker', async () => {
  const request = {
    id: 'r', case_id: 'case-1', action: 'extend' as const, status: 'pending' as const, facts: { reason: '雨' },
    asked_by: 'asker', asked_for: null, asked_at: '2026-11-23T02:00:00Z', decided_by: null, decided_at: null, opinion: null,
  }
  const shown = async (id: string, permissions: string[]) => {
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ id, permissions, demo: false, name: 'x', roles: [] })))
    await ensure(true)
    return show(makeDetail({ requests: [request] })).find('request-grant')
  }
  expect(await shown('dispatcher', ['case:extend'])).not.toBe(null)
  expect(null).toBe(await shown('handler', ['case:handle']))
  expect(null).toBe(await shown('asker', ['case:extend']))
  // The first extension is the shift leader's as well; what is granted elsewhere needs another permission.
  expect(null).toBe(await shown('granter', ['case:grant']))
})

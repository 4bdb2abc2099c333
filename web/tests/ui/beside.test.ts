// @vitest-environment happy-dom
import { createApp, h, nextTick } from 'vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { BesideOffer, CallOffer, CallTask, CaseDetail, JointCall } from '../../src/api/types.ts'
import BesidePanel from '../../src/ui/case/beside/BesidePanel.vue'
import { i18n } from '../../src/ui/i18n.ts'

const offer = (action: CallOffer['action'], may: boolean, requires: string[] = []): CallOffer => ({
  action, name: action, may, refusal: null, requires,
})

const makeTask = (over: Partial<CallTask> = {}): CallTask => ({
  id: 'task-1', unit_code: 'HZD-06', unit_name: '环卫作业队', part: 'lead', what: '清理', state: 'called', state_name: '待签收',
  sign_in_due_at: null, arrive_due_at: null, due_at: '2026-11-23T06:00:00Z', signed_in_at: null, arrived_at: null,
  ended_at: null, ended_by: null, words: null, photos: [], late: [], opinions: [], legal: [], may_pack: false, ...over,
})

const makeCall = (...tasks: CallTask[]): JointCall => ({
  id: 'call-1', case_id: 'case-1', purpose: 'joint_enforcement', text: '联合整治', issued_by: 'p', issued_at: '2026-11-23T02:00:00Z',
  document_no: null, version: 3, closed_at: null, tasks,
})

const beside = (action: BesideOffer['action'], may: boolean, over: Partial<BesideOffer> = {}): BesideOffer => ({
  action, may, refusal: null, requires: [], choices: {}, ...over,
})

const makeDetail = (calls: JointCall[], legal: BesideOffer[]): CaseDetail =>
  ({
    id: 'case-1', version: 4, number: 'P-1', state: 'handling',
    beside: {
      counts: { rework: 0, returns: 0, extensions: 0 }, merged_into: null, merged: [], untold: 0, feedback: [],
      follows: null, followed_by: [], calls, orders: [], legal, names: { p: '张三' },
    },
  }) as unknown as CaseDetail

interface Asked {
  url: string
  method: string
  body: Record<string, unknown>
}

let asked: Asked[] = []
let refuse: object | null = null
let mounted: { unmount(): void } | null = null

function show(detail: CaseDetail) {
  const host = document.createElement('div')
  document.body.append(host)
  const app = createApp({ render: () => h(BesidePanel, { detail }) })
  app.use(i18n).mount(host)
  mounted = app
  const find = (name: string) => host.querySelector<HTMLElement>(`[data-testid="${name}"]`)
  const click = async (name: string) => {
    find(name)?.click()
    await settle()
  }
  const fill = async (name: string, value: string) => {
    const field = find(name) as HTMLInputElement
    field.value = value
    field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input'))
    await nextTick()
  }
  return { host, find, click, fill }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setTimeout(resolve))
}

beforeEach(() => {
  asked = []
  refuse = null
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (url.endsWith('/me')) return new Response(JSON.stringify({ id: 'me', permissions: [], roles: [], demo: false, name: 'x' }))
    const body = init.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {}
    asked.push({ url, method: init.method ?? 'GET', body })
    if (refuse && init.method === 'POST') return new Response(JSON.stringify(refuse), { status: 409 })
    return new Response(JSON.stringify(makeDetail([], [])))
  })
})

afterEach(() => {
  mounted?.unmount()
  document.body.innerHTML = ''
  vi.unstubAllGlobals()
})

test('only what the server offers is a button: an opinion before its time is none', () => {
  const call = makeCall(makeTask({ legal: [offer('sign_in', true), offer('assess', false, ['opinion', 'score'])] }))
  const { find } = show(makeDetail([call], [beside('issue_call', false), beside('order', true)]))
  expect([find('call-sign_in'), find('beside-order')]).not.toContain(null)
  expect([find('call-assess'), find('beside-issue_call')]).toEqual([null, null])
})

test('an answer to a call carries the version that was seen; a repeat carries the same id', async () => {
  const call = makeCall(makeTask({ state: 'arrived', legal: [offer('report', true, ['result'])] }))
  const { click, fill } = show(makeDetail([call], []))
  await click('call-report')
  await fill('call-result', ' 已清理 ')
  refuse = { code: 'unavailable', status: 503, title: '', detail: '', type: '', article: null, rule: null, facts: {}, request_id: 'r' }
  await click('call-submit')
  refuse = null
  await click('call-submit')
  const posts = asked.filter((one) => one.method === 'POST')
  expect(posts.map((one) => one.url)).toEqual(Array(2).fill('/api/v1/joint-calls/call-1/tasks/task-1/actions'))
  expect(posts[0]?.body).toEqual(posts[1]?.body)
  expect(posts[0]?.body).toMatchObject({ action: 'report', version: 3, facts: { result: '已清理' } })
})

test('a refusal is shown with its article and the form stays', async () => {
  const call = makeCall(makeTask({ state: 'arrived', legal: [offer('report', true, ['result'])] }))
  const { click, fill, find } = show(makeDetail([call], []))
  await click('call-report')
  await fill('call-result', '已清理')
  refuse = {
    code: 'not_ready', status: 409, title: '', detail: 'The lead ends last.', type: '', article: '22-2', rule: 'R22c',
    facts: { guard: 'assistants_done' }, request_id: 'r',
  }
  await click('call-submit')
  expect(find('refusal')?.textContent).toContain('第二十二条第二款')
  expect(find('call-form')).not.toBe(null)
})

test('a joint call has one lead, each unit once, and needs the signed order where the server says so', async () => {
  const units = [{ value: 'A', label: '甲' }, { value: 'B', label: '乙' }]
  const offered = beside('issue_call', true, { requires: ['document_no'], choices: { unit_code: units } })
  const { host, find, click, fill } = show(makeDetail([], [offered]))
  await click('beside-issue_call')
  await fill('call-text', '联合整治')
  await click('call-add-unit')
  const parts = () => [...host.querySelectorAll('fieldset')]
  const pick = async (index: number, unit: string) => {
    const select = parts()[index]?.querySelector('select') as HTMLSelectElement
    const free = [...select.options].map((one) => one.value)
    select.value = unit
    select.dispatchEvent(new Event('change'))
    const what = parts()[index]?.querySelector('[data-testid=task-what]') as HTMLInputElement
    what.value = '处置'
    what.dispatchEvent(new Event('input'))
    await nextTick()
    return free
  }
  await pick(0, 'A')
  expect(await pick(1, 'B')).not.toContain('A')
  expect((find('call-submit') as HTMLButtonElement).disabled).toBe(true)
  await fill('call-document', '街调〔2026〕1号')
  await click('call-submit')
  const [post] = asked.filter((one) => one.method === 'POST')
  const tasks = post?.body['tasks'] as { part: string; unit_code: string; amount: number; unit: string }[]
  expect(tasks.map(({ part, unit_code, amount, unit }) => [part, unit_code, amount, unit])).toEqual([
    ['lead', 'A', 4, 'working_hour'],
    ['assistant', 'B', 4, 'working_hour'],
  ])
  expect([post?.body['version'], post?.body['document_no']]).toEqual([4, '街调〔2026〕1号'])
})

test('an order without a limit of its own sends none; with an amount it sends its unit too', async () => {
  const sent = async (fill_: (fill: (name: string, value: string) => Promise<void>) => Promise<void>) => {
    const { click, fill } = show(makeDetail([], [beside('order', true, { requires: ['opinion'] })]))
    await click('beside-order')
    await fill('order-opinion', '请尽快处置')
    await fill_(fill)
    await click('order-submit')
    mounted?.unmount()
    document.body.innerHTML = ''
    return asked.filter((one) => one.method === 'POST').at(-1)?.body
  }
  expect(await sent(async () => undefined)).toMatchObject({ opinion: '请尽快处置', amount: null, unit: null })
  expect(await sent((fill) => fill('order-amount', '3'))).toMatchObject({ amount: 3, unit: 'working_hour' })
})

test('photos of a unit’s answer are shown with it', () => {
  const { host } = show(makeDetail([makeCall(makeTask({ state: 'done', words: '已清理', photos: ['a1', 'b2'] }))], []))
  expect([...host.querySelectorAll('img')].map((one) => one.getAttribute('src'))).toEqual([
    '/api/v1/photos/a1?size=thumb', '/api/v1/photos/b2?size=thumb',
  ])
})

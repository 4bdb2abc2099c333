import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/core/errors.gen.ts'
import { fieldsOf } from '../../src/core/facts.ts'
import en from '../../src/core/i18n/en.ts'
import zh from '../../src/core/i18n/zh-CN.ts'
import { explain, localProblem } from '../../src/core/problem.ts'
import { articleName, chineseNumber, spanTo } from '../../src/core/time.ts'
import { EVENT_KINDS, STATES, TRANSITIONS } from '../../src/core/workflow.gen.ts'
import { SPINE, stageOf } from '../../src/core/workflow.ts'

const LANGUAGES = { 'zh-CN': zh, en }

function leaves(tree: object, path = ''): [string, string][] {
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === 'string' ? [[path + name, value] as [string, string]] : leaves(value, `${path}${name}.`),
  )
}

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort()

test.each(Object.entries(LANGUAGES))('%s has a title and a hint for every error code, and no other', (_, texts) => {
  expect([...ERROR_CODES].sort()).toEqual(Object.keys(texts.errors).sort())
  for (const { title, hint } of Object.values(texts.errors)) expect(title && hint).toBeTruthy()
})

test.each(Object.entries(LANGUAGES))('%s names every kind of event, and no other', (_, texts) => {
  expect([...EVENT_KINDS].sort()).toEqual(Object.keys(texts.events).sort())
})

test.each(Object.entries(LANGUAGES))('%s labels every fact that an action asks for', (_, texts) => {
  const names = new Set(TRANSITIONS.flatMap((row) => fieldsOf({ ...row, requires: [...row.requires] })).map((f) => f.name))
  expect([...names].filter((name) => !(name in texts.facts))).toEqual([])
})

test('both languages have the same texts with the same placeholders', () => {
  const english = new Map(leaves(en))
  expect(leaves(zh).map(([key]) => key)).toEqual([...english.keys()])
  for (const [key, text] of leaves(zh)) {
    expect([key, placeholders(text)]).toEqual([key, placeholders(english.get(key) ?? '')])
  }
})

test.each(Object.entries(LANGUAGES))('in %s no file of texts takes a name that another has: the later would hide the other', (language, texts) => {
  const files = import.meta.glob<Record<string, object>>('../../src/core/i18n/*/*.ts', { import: 'texts', eager: true })
  const names = Object.entries(files).flatMap(([file, one]) => (file.includes(`/${language}/`) ? Object.keys(one) : []))
  expect(names.sort()).toEqual([...new Set(names)])
  expect(names).toEqual(Object.keys(texts).filter((name) => !['errors', 'refusal'].includes(name)).sort())
})

test('texts lie in one file a feature, none longer than 400 lines', () => {
  const files = import.meta.glob<string>('../../src/core/i18n/**/*.ts', { query: '?raw', import: 'default', eager: true })
  expect(Object.keys(files).length).toBeGreaterThan(8)
  for (const [name, text] of Object.entries(files)) expect([name, text.split('\n').length > 400]).toEqual([name, false])
})

test('no text holds a character that the message syntax would eat', () => {
  for (const [key, text] of [...leaves(zh), ...leaves(en)]) expect([key, /[@|]/.test(text)]).toEqual([key, false])
})

test('every state has a stage of the loop with a name', () => {
  for (const { id } of STATES) expect(SPINE).toContain(stageOf(id))
  for (const stage of SPINE) expect(zh.stages[stage]).toBeTruthy()
})

test('every fact of the workflow table has a field made for it', () => {
  for (const row of TRANSITIONS) {
    const fields = fieldsOf({ action: row.action, requires: [...row.requires] })
    expect(fields.filter((field) => field.kind === 'line').map((f) => f.name)).toEqual(
      row.requires.filter((name) => name === 'document_no'),
    )
  }
})

const t = (key: string, named: Record<string, unknown> = {}): string => {
  const text = leaves(zh).find(([path]) => path === key)?.[1] ?? key
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(named[name]))
}

test('a refusal says the state, the legal actions and the article in Chinese', () => {
  const problem = {
    ...localProblem('illegal_action', 409, 'no'),
    article: '22-1',
    facts: { state: 'handling', action: 'close', legal: ['sign_for', 'submit_result'] },
  }
  expect({
    title: '当前状态不能这样办',
    lines: ['流程不允许这一步。', '案件现在的状态：处置中', '现在可以：签收、处置反馈'],
    basis: '依据：《天津市街道办事处条例》第二十二条第一款',
  }).toEqual(explain(problem, t, 'zh-CN'))
})

test('a refused photo says what is wrong with it', () => {
  const problem = { ...localProblem('unacceptable_photo', 422, ''), facts: { reason: 'truncated' } }
  expect('图片不完整或已损坏，请重新拍摄。').toBe(explain(problem, t, 'zh-CN').lines.at(-1))
})

test('a refused geometry says why and which feature of the file it is, counted as people count', () => {
  const problem = { ...localProblem('invalid_geometry', 422, ''), facts: { hint: 'not_valid', feature: 2, reason: 'Self-intersection' } }
  expect(['图形自相交或有其他错误，请在绘制软件中改正。', '文件中的第 3 个要素。']).toEqual(explain(problem, t, 'zh-CN').lines.slice(-2))
})

test('every fault of a refused report is said, each once', () => {
  const faults = ['future', 'missing_evidence', 'future', 'from_the_future'].map((code) => ({ field: 'x', code, message: '' }))
  const problem = { ...localProblem('invalid_input', 422, ''), facts: { faults } }
  expect(['请检查填写的内容后再发送。', '发现时间晚于现在，请检查手机时间。', '巡查上报这一类别须有照片。']).toEqual(
    explain(problem, t, 'zh-CN').lines,
  )
})

test('a code this client does not know still gives the server’s words', () => {
  expect(['请稍后再试；如仍不成功，请联系管理员。', 'brand new']).toEqual(
    explain(localProblem('from_the_future', 409, 'brand new'), t, 'zh-CN').lines,
  )
})

test('articles are named as the regulation names them', () => {
  expect(['一', '十', '十五', '二十二', '四十']).toEqual([1, 10, 15, 22, 40].map(chineseNumber))
  expect('第七条').toBe(articleName('7', 'zh-CN'))
  expect('article 22, paragraph 1').toBe(articleName('22-1', 'en'))
})

test('a deadline is told in its largest fitting unit, and whether it has passed', () => {
  const now = Date.parse('2026-11-23T02:00:00Z')
  expect({ late: false, unit: 'hours', amount: 2 }).toEqual(spanTo('2026-11-23T04:00:00Z', now))
  expect({ late: true, unit: 'minutes', amount: 30 }).toEqual(spanTo('2026-11-23T01:30:00Z', now))
  expect({ late: false, unit: 'days', amount: 3 }).toEqual(spanTo('2026-11-26T02:00:00Z', now))
})

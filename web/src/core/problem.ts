// A refusal of the server in the reader's language: what happened, what to do now, on which article.
//
// The texts are keyed on `code`; `detail` is the server's English and only a last resort. Texts come
// in through `t`, so that this file needs no framework.

import type { Problem } from '../api/types.ts'
import { ERROR_CODES } from './errors.gen.ts'
import { articleName } from './time.ts'
import type { Locale } from './workflow.ts'
import { actionName, stateName } from './workflow.ts'

export type Translate = (key: string, named?: Record<string, unknown>) => string

export interface Explained {
  title: string
  lines: string[]
  basis: string | null
}

export type Refusal = Pick<Problem, 'code' | 'detail' | 'article'> & { facts?: Problem['facts'] }

const known = new Set<string>(ERROR_CODES)

/** Facts whose value has its own text, as <group>.<value> under `refusal`. */
const NAMED_FACTS: Record<string, string> = { reason: 'photo_reasons', guard: 'guards', hint: 'faults' }

/** A problem for what never reached the server, or came back without a body. */
export function localProblem(code: string, status: number, detail: string): Problem {
  return {
    type: `/problems/${code}`,
    title: code,
    status,
    code,
    detail,
    article: null,
    rule: null,
    facts: {},
    request_id: '',
  }
}

/** The body of an error answer as a Problem, whatever a proxy made of it. */
export function asProblem(status: number, body: unknown): Problem {
  if (typeof body === 'object' && body !== null && typeof (body as Problem).code === 'string') {
    return { ...localProblem('grid_error', status, ''), ...(body as Problem) }
  }
  return localProblem(status >= 500 ? 'internal_error' : 'grid_error', status, `HTTP ${status}`)
}

export function explain(problem: Refusal, t: Translate, locale: Locale): Explained {
  const code = known.has(problem.code) ? problem.code : 'grid_error'
  const lines = [t(`errors.${code}.hint`), ...factLines(problem, t, locale)].filter(Boolean)
  if (code === 'grid_error' && problem.detail) lines.push(problem.detail)
  return {
    title: t(`errors.${code}.title`),
    lines,
    basis: problem.article
      ? t('refusal.basis', { article: articleName(problem.article, locale) })
      : null,
  }
}

function factLines(problem: Refusal, t: Translate, locale: Locale): string[] {
  const facts = problem.facts ?? {}
  const lines: string[] = []
  if (typeof facts['state'] === 'string') {
    lines.push(t('refusal.state_now', { state: stateName(facts['state'], locale) }))
  }
  if (Array.isArray(facts['legal'])) {
    const names = facts['legal'].map((action) => actionName(String(action), locale))
    const list = names.join(locale === 'en' ? ', ' : '、')
    lines.push(names.length ? t('refusal.legal', { actions: list }) : t('refusal.nothing_legal'))
  }
  if (Array.isArray(facts['missing'])) {
    const names = facts['missing'].map((name) => t(`facts.${String(name)}`))
    lines.push(t('refusal.missing', { facts: names.join(locale === 'en' ? ', ' : '、') }))
  }
  const say = (group: string, value: unknown): void => {
    const key = `refusal.${group}.${String(value)}`
    const text = t(key)
    if (text !== key && !lines.includes(text)) lines.push(text)
  }
  for (const [fact, group] of Object.entries(NAMED_FACTS)) {
    if (typeof facts[fact] === 'string') say(group, facts[fact])
  }
  // Counted from 0 by the server, from 1 by people.
  if (typeof facts['feature'] === 'number') lines.push(t('refusal.feature', { n: facts['feature'] + 1 }))
  // A report is refused with all its faults at once, so that it is mended once.
  if (Array.isArray(facts['faults'])) {
    for (const fault of facts['faults']) say('faults', (fault as { code?: unknown }).code)
  }
  if (typeof facts['limit_bytes'] === 'number') {
    lines.push(t('refusal.limit', { limit: Math.floor(facts['limit_bytes'] / 1024 / 1024) }))
  }
  return lines
}

// Times as the street reads them: always Asia/Shanghai, whatever the phone's zone says.

import type { Locale } from './workflow.ts'

const ZONE = 'Asia/Shanghai'

type Style = 'clock' | 'time' | 'short' | 'long' | 'day'

const STYLES: Record<Style, Intl.DateTimeFormatOptions> = {
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false },
  time: { hour: '2-digit', minute: '2-digit', hour12: false },
  short: { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false },
  long: { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false },
  day: { month: 'long', day: 'numeric', weekday: 'short' },
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** An instant (ISO text or milliseconds) in the street's zone; "—" for none. */
export function showTime(at: string | number | null | undefined, locale: Locale, style: Style): string {
  if (at === null || at === undefined) return '—'
  const key = `${locale}/${style}`
  let format = formats.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat(locale, { ...STYLES[style], timeZone: ZONE })
    formats.set(key, format)
  }
  return format.format(new Date(at))
}

export interface Span {
  late: boolean
  unit: 'minutes' | 'hours' | 'days'
  amount: number
}

/** Natural time from now to a deadline, in its largest fitting unit. Not the working-time limit. */
export function spanTo(due_at: string, now_ms: number): Span {
  const minutes = (Date.parse(due_at) - now_ms) / 60_000
  const size = Math.abs(minutes)
  const late = minutes < 0
  if (size < 60) return { late, unit: 'minutes', amount: Math.max(1, Math.round(size)) }
  if (size < 48 * 60) return { late, unit: 'hours', amount: Math.round(size / 60) }
  return { late, unit: 'days', amount: Math.round(size / 1440) }
}

const DIGITS = '零一二三四五六七八九'

/** 22 → 二十二, for articles of the regulation (it has fewer than a hundred). */
export function chineseNumber(n: number): string {
  if (n < 10) return DIGITS[n] ?? String(n)
  if (n > 99) return String(n)
  const tens = Math.floor(n / 10)
  return `${tens === 1 ? '' : DIGITS[tens]}十${n % 10 ? DIGITS[n % 10] : ''}`
}

/** "22-1" → 第二十二条第一款, or "article 22, paragraph 1"; other text stays as it is. */
export function articleName(article: string, locale: Locale): string {
  const parts = /^(\d+)(?:-(\d+))?$/.exec(article)
  if (!parts) return article
  const [number, paragraph] = [Number(parts[1]), parts[2] ? Number(parts[2]) : null]
  if (locale === 'en') return `article ${number}${paragraph ? `, paragraph ${paragraph}` : ''}`
  return `第${chineseNumber(number)}条${paragraph ? `第${chineseNumber(paragraph)}款` : ''}`
}

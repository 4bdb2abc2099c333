// Finding a class by what a worker types: Chinese, full Pinyin, initials, a code, or what residents call it.
//
// `bllj`, `baolu`, `bao lu`, `垃圾`, `06010` and `没人扫` all lead to a class. Headless, and small enough for
// four hundred classes at every letter.

import type { Category } from '../../api/types.ts'

/** How well a class fits; the smaller, the better. Null: not at all. */
type Fit = number | null

const FITS = { code: 0, name_start: 1, word: 2, initials: 3, name: 4, pinyin: 5, inside: 6, english: 7, major: 9 } as const

/** `ü` is typed as v or as u; apostrophes and blanks are typed or left out. */
const plain = (typed: string): string => typed.toLowerCase().replace(/ü|v/g, 'u').replace(/[\s'’·]+/g, '')

interface Spelt {
  text: string
  whole: string
  initials: string
  /** Where in `whole` a syllable begins. */
  starts: ReadonlySet<number>
}

export interface Entry {
  category: Category
  name: Spelt
  words: readonly Spelt[]
  english: string
  major: string
}

function spelt(text: string, pinyin: string): Spelt {
  const syllables = pinyin.split(' ').filter(Boolean).map(plain)
  const starts = new Set<number>()
  let at = 0
  for (const syllable of syllables) {
    starts.add(at)
    at += syllable.length
  }
  return { text, whole: syllables.join(''), initials: syllables.map((one) => one[0]).join(''), starts }
}

/** What is searched, made once for a catalogue. */
export const indexOf = (categories: readonly Category[]): Entry[] =>
  categories.map((category) => ({
    category,
    name: spelt(category.name, category.pinyin),
    words: category.words.map((word) => spelt(word.text, word.pinyin)),
    english: category.name_en.toLowerCase(),
    major: `${category.major_name} ${category.major_name_en.toLowerCase()}`,
  }))

/** Classes that fit every word typed, the best first; classes that are often used first among equals. */
export function search(
  index: readonly Entry[],
  typed: string,
  weightOf: (category: Category) => number = () => 0,
): Category[] {
  const words = typed.trim().toLowerCase().split(/\s+/).filter(Boolean)
  if (!words.length) return []
  // "bao lu la ji" is one thing in Pinyin, and four words in English: both are tried.
  const whole = words.length > 1 ? plain(typed) : null
  const found: { category: Category; fit: number; weight: number }[] = []
  for (const entry of index) {
    const together = whole ? fitOf(entry, whole) : null
    const fits = words.map((word) => fitOf(entry, word))
    const apart = fits.every((fit) => fit !== null) ? Math.max(...(fits as number[])) : null
    const fit = together === null ? apart : apart === null ? together : Math.min(together, apart)
    if (fit !== null) found.push({ category: entry.category, fit, weight: weightOf(entry.category) })
  }
  return found
    .sort((a, b) => a.fit - b.fit || b.weight - a.weight || a.category.name.length - b.category.name.length || order(a.category, b.category))
    .map((one) => one.category)
}

const order = (a: Category, b: Category): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

function fitOf(entry: Entry, typed: string): Fit {
  const latin = plain(typed)
  if (entry.category.code.toLowerCase().startsWith(typed)) return FITS.code
  if (entry.name.text.startsWith(typed)) return FITS.name_start
  if (entry.words.some((word) => word.text === typed)) return FITS.word
  if (/^[a-z]+$/.test(latin)) {
    const best = latinFit(entry, latin)
    if (best !== null) return best
    if (new RegExp(`(^|[^a-z])${typed.replace(/[^a-z]/g, '')}`).test(entry.english)) return FITS.english
  } else {
    if (entry.words.some((word) => word.text.includes(typed))) return FITS.name
    if (entry.name.text.includes(typed)) return FITS.name
  }
  return entry.major.includes(typed) ? FITS.major : null
}

function latinFit({ name, words }: Entry, latin: string): Fit {
  // One letter is where every search begins: whatever begins with it is equal.
  if (latin.length === 1) return [name, ...words].some((one) => one.initials.startsWith(latin)) ? FITS.inside : null
  if (name.initials.startsWith(latin)) return FITS.initials
  if (words.some((word) => word.initials === latin)) return FITS.initials
  if (name.whole.startsWith(latin) || words.some((word) => word.whole.startsWith(latin))) return FITS.pinyin
  // From the beginning of a syllable on, and never from the middle of one: "an" is not in "zhan".
  const inside = (spelling: Spelt): boolean => [...spelling.starts].some((at) => spelling.whole.startsWith(latin, at))
  if (inside(name) || words.some(inside)) return FITS.inside
  return latin.length > 2 && name.initials.includes(latin) ? FITS.inside : null
}

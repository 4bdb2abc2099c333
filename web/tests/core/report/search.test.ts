import { describe, expect, it } from 'vitest'
import { indexOf, search } from '../../../src/core/report/search.ts'
import { CATEGORIES } from './builders.ts'

const index = indexOf(CATEGORIES)
const codes = (typed: string): string[] => search(index, typed).map((one) => one.code)

describe('finding a class by what is typed', () => {
  it.each([
    ['bllj', '06010'],
    ['BLLJ', '06010'],
    ['baolu', '06010'],
    ['bao lu la ji', '06010'],
    ["bao'lu", '06010'],
    ['暴露', '06010'],
    ['06010', '06010'],
    ['luandi', undefined],
    ['lvdi', '06017'],
    ['ludi', '06017'],
    ['zdjy', '09006'],
    ['摆摊', '09006'],
    ['bt', '09006'],
    ['baitan', '09006'],
    ['违停', '09009'],
    ['weiting', '09009'],
    ['jg', '01001'],
    ['exposed', '06010'],
    ['littered green', '06017'],
  ])('%s leads to %s', (typed, code) => {
    expect(codes(typed)[0]).toBe(code)
  })

  it('puts what the word itself names before what only has it in the middle', () => {
    expect(codes('垃圾')).toEqual(['06041', '06010', '06011'])
  })

  it('finds a syllable and never the middle of one', () => {
    expect(codes('an')).toEqual([])
    expect(codes('dao')).toEqual(['09006'])
  })

  it('asks for every word', () => {
    expect(codes('垃圾 分类')).toEqual(['06041'])
    expect(codes('垃圾 井盖')).toEqual([])
  })

  it('puts what he often reports first among equals', () => {
    const liking = (code: string): string[] => search(index, 'j', (one) => (one.code === code ? 1 : 0)).map((one) => one.code)
    expect(liking('06011')[0]).toBe('06011')
    expect(liking('09009')[0]).toBe('09009')
  })

  it('finds nothing where nothing is typed, or where nobody has spelt the class', () => {
    expect(codes('  ')).toEqual([])
    const unspelt = indexOf([{ ...CATEGORIES[0], pinyin: '', words: [] }])
    expect(search(unspelt, 'bllj')).toEqual([])
    expect(search(unspelt, '暴露')).toHaveLength(1)
  })
})

"""The passwords that people really choose, generated from what they are made of.

Words (Chinese in pinyin, names, English, places of this city, walks over the keyboard), alone, twice, with
digits that sound lucky, years and marks before and after them: more than a million, of which none is stored.
A password is taken apart instead, and is common when its parts are. Made of parts rather than copied from a
leaked list: every entry can be explained, none belongs to a person, and no licence has to be kept. Case and
the usual replacements (@ for a, 0 for o, $ for s) are undone before looking.
"""

import re
from collections.abc import Iterator
from functools import cache


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_SURNAMES = _listed(
    "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie song"
    " tang xu han feng deng cao peng zeng xiao tian dong yuan pan yu jiang cai du ye cheng su wei lv ding ren"
    " shen yao lu fu zhong cui tan liao fan wang jin shi jia xia gu hou zou xiong bai meng qin qiu"
)
_GIVEN = _listed(
    "wei fang na xiuying min jing li qiang lei jun yang yong yan jie juan tao ming chao xiulan xia ping gang"
    " guiying jianguo zhiqiang lijuan haitao yumei xiaoyan guoqing hong bin bo peng hui ting xin yu"
)
_PINYIN = _listed(
    "woaini woaiwo woaizhongguo woaibeijing woaitianjin nihao nihaoma wobuzhidao wojiushiwo caonima"
    " zhongguo beijing tianjin shanghai guangzhou shenzhen binhai binhaixinqu hangzhoudao hexi heping nankai"
    " jiedao shequ wangge wanggeyuan wanggehua banshichu juweihui guanliyuan xitong anquan mima denglu"
    " yonghu ceshi kaifa gongsi bangong zhengfu zhengwu jijian gongan chengguan wangzha shouji dianhua"
    " xiaoming xiaohong laogong laopo baobao baobei qinaide tiantian kaixin kuaile xingfu pingan jixiang"
    " facai gongxi shengri zhufu mama baba jiejie gege didi meimei erzi nver wanan zaoan xiexie"
)
_ENGLISH = _listed(
    "password passw0rd passwd admin administrator root user guest test tester testing login welcome letmein"
    " master default system manager operator security secret access server oracle mysql postgres database"
    " iloveyou monkey dragon football baseball basketball superman batman sunshine princess shadow michael"
    " jordan charlie freedom whatever trustno hello helloworld computer internet network changeme changeit"
    " company office china tianjin beijing grid gridmgmt street summer winter spring autumn monday friday"
    " january december flower lovely angel forever family friend money lucky happy smile apple samsung huawei"
    " xiaomi wechat weixin qwerty asdf zxcv qazwsx"
)
_WALKS = _listed(
    "qwerty qwertyuiop asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc 1qaz2wsx 1qaz2wsx3edc 1q2w3e4r"
    " 1q2w3e4r5t zaq12wsx 1qaz 2wsx 3edc qweasd qweasdzxc q1w2e3r4 a1b2c3d4 abcd abc abcdef abcdefg"
    " aaa aaaa aa a q z x"
)
_DIGITS = _listed(
    "1 12 123 1234 12345 123456 1234567 12345678 123456789 1234567890 0 00 000 0000 000000 00000000 11 111"
    " 1111 11111 111111 11111111 123123 123321 321 321321 654321 987654321 520 521 5201314 1314 1314520"
    " 5211314 147258 147258369 159357 168 168168 178 188 518 618 66 666 6666 666666 66666666 678 88 888 8888"
    " 888888 88888888 99 999 9999 999999 100 110 119 120 12306 12345 007 9527 1024 10086 110110 112233"
    " 11223344 121212 131313 135790 246810 789 789456 789456123 963852741 01 02 03 10 20 2008 2012 2020"
)
_YEARS = tuple(str(year) for year in range(1950, 2031))
_MARKS = ("", "!", "!!", "@", "#", "$", ".", "*", "!@#", "_", "-", "@#", "!@#$", "..")
_ENDINGS = frozenset((*_DIGITS, *_YEARS))
_UNDONE = str.maketrans({"@": "a", "0": "o", "$": "s", "1": "i", "3": "e", "5": "s", "!": "i"})
_TAIL = re.compile(r"([^\w]|_){0,4}(\d*)([^\w]|_){0,4}")


def _simplest(word: str) -> str:
    return word.translate(_UNDONE)


@cache
def _words() -> frozenset[str]:
    """Every word, as it is left when case and the usual replacements are undone."""
    names = (f"{surname}{given}" for surname in _SURNAMES for given in (*_GIVEN, *_SURNAMES))
    return frozenset(map(_simplest, (*_PINYIN, *_ENGLISH, *_WALKS, *_SURNAMES, *_GIVEN, *names)))


def is_common(password: str) -> bool:
    """Whether many people use this password, or one that differs only by case and usual replacements."""
    plain = password.casefold()
    if _is_tail(plain) or _is_word(plain):
        return True
    # Digits before a word, a word, and what people add to it.
    begins = len(plain) - len(plain.lstrip("0123456789"))
    starts = (0, begins) if plain[:begins] in _ENDINGS else (0,)
    return any(
        _is_word(plain[start:end]) and (end == len(plain) or _is_tail(plain[end:]))
        for start in starts
        for end in range(start + 1, len(plain) + 1)
    )


def _is_word(text: str) -> bool:
    word = _simplest(text)
    half = len(word) // 2
    return word in _words() or (word[:half] == word[half:] and word[:half] in _words())


def _is_tail(text: str) -> bool:
    """Marks, digits that people choose, marks."""
    found = _TAIL.fullmatch(text)
    if found is None:
        return False
    digits = found[2]
    return (
        not digits
        or digits in _ENDINGS
        or any(digits[:i] in _ENDINGS and digits[i:] in _ENDINGS for i in range(1, len(digits)))
    )


def examples() -> Iterator[str]:
    """Common passwords one by one, in a fixed order; far more than anybody needs."""
    for word in (*_PINYIN, *_ENGLISH, *_WALKS):
        for ending in (*_DIGITS, *_YEARS):
            for mark in _MARKS:
                yield f"{word}{ending}{mark}"
                yield f"{word}{mark}{ending}"
        yield f"{word}{word}"
    for surname in _SURNAMES:
        for given in _GIVEN:
            yield from (f"{surname}{given}{ending}" for ending in (*_DIGITS, *_YEARS))

// Tokens of preprocessed source. White space stays beside them, so that lines of the output are lines of the source.

const pattern =
  /(\s+)|(^#[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|((?:\.\d|\d)(?:[eEpP][+-]|'[0-9a-fA-F]|[\w.])*)|([A-Za-z_]\w*)|(\[\[|\]\]|::|->|<<=|>>=|&&|\|\||==|!=|<=|>=|\+=|-=|\*=|\/=|&=|\|=|\^=|%=|\+\+|--|\.\.\.|[^\s])/gmy;
const closing = { '(': ')', '[': ']', '{': '}', '[[': ']]' };

export class Tokens {
  /** Each: text, kind (string, number, name, sign), before (white space), file, line. */
  list = [];
  after = '';
  errors = [];

  constructor(source, file) {
    let before = '';
    let line = 1;
    const push = (text, kind) => {
      this.list.push({ text, kind, before, file, line });
      before = '';
    };
    for (const [text, space, directive, string, number, name] of source.matchAll(pattern)) {
      if (space) {
        before += space;
        line += space.split('\n').length - 1;
      } else if (directive) {
        const marker = /^# (\d+) "([^"]*)"/.exec(directive);
        if (marker) {
          line = Number(marker[1]) - 1;
          file = marker[2];
        }
        before += directive;
      } else if (text === ']]' && !this.#isInAttribute()) {
        push(']', 'sign');
        push(']', 'sign');
      } else push(text, string ? 'string' : number ? 'number' : name ? 'name' : 'sign');
    }
    this.after = before;
  }

  get length() {
    return this.list.length;
  }

  at(i) {
    return this.list[i]?.text;
  }

  isName(i) {
    return this.list[i]?.kind === 'name';
  }

  /** Index of the last token before `i` that was not blanked; -1 at the start. */
  indexBefore(i) {
    for (let j = i - 1; j >= 0; j--) if (this.at(j) !== '') return j;
    return -1;
  }

  before(i) {
    return this.at(this.indexBefore(i)) ?? ';';
  }

  /** A statement or declaration starts here. */
  isStart(i) {
    return [';', '{', '}'].includes(this.before(i));
  }

  /** Index of the bracket that closes the one at `i`. */
  match(i) {
    const open = this.at(i);
    const close = closing[open];
    let depth = 0;
    for (let j = i; j < this.length; j++) {
      if (this.at(j) === open) depth++;
      else if (this.at(j) === close && --depth === 0) return j;
    }
    throw new Error(`${this.list[i].file}:${this.list[i].line}: error: unbalanced ${open}`);
  }

  /** Index of the bracket that opens what the one at `i` closes. */
  matchBack(i) {
    const close = this.at(i);
    const open = Object.keys(closing).find((key) => closing[key] === close);
    let depth = 0;
    for (let j = i; j >= 0; j--) {
      if (this.at(j) === close) depth++;
      else if (this.at(j) === open && --depth === 0) return j;
    }
    return -1;
  }

  /** The same for < and >; -1 where `<` is an operator. */
  matchAngle(i) {
    let depth = 0;
    for (let j = i; j < this.length; j++) {
      const text = this.at(j);
      if (text === '<') depth++;
      else if (text === '>' && --depth === 0) return j;
      else if (text === '(' || text === '[' || text === '{') j = this.match(j);
      else if (text === ';') return -1;
    }
    return -1;
  }

  /** Index of the semicolon or brace that ends the declaration at `i`. */
  declarationEnd(i) {
    for (; i < this.length; i++) {
      if ([';', '{', '}'].includes(this.at(i))) return i;
      if (['(', '[', '[['].includes(this.at(i))) i = this.match(i);
    }
    return this.length;
  }

  text(begin, end) {
    return this.list
      .slice(begin, end)
      .map(({ text, before }, i) => (i === 0 ? '' : before.includes('\n') ? ' ' : before) + text)
      .join('');
  }

  replace(i, text) {
    this.list[i].text = text;
  }

  blank(begin, end) {
    for (let i = begin; i < end; i++) this.list[i].text = '';
  }

  error(i, message) {
    const { file, line } = this.list[i];
    this.errors.push(`${file}:${line}: error: ${message}`);
  }

  toString() {
    return this.list.map(({ text, before }) => before + text).join('') + this.after;
  }

  #isInAttribute() {
    let depth = 0;
    for (let i = this.length - 1; i >= 0; i--) {
      const text = this.at(i);
      if (text === '[[') return depth === 0;
      if ([']]', ';', '{', '}'].includes(text)) return false;
      if (text === ']') depth++;
      if (text === '[') depth--;
    }
    return false;
  }
}

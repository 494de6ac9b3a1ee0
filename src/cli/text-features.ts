// A text as a bag of hashed words and word pairs.

/** How much less a pair of neighbouring words weighs than a word. */
const PAIR_WEIGHT = 0.15;

/** Mixes a 32-bit number so that every bit depends on every bit (murmur3's finaliser). */
export function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 units. */
function hashWord(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Takes off the commonest English endings, so that "soldiers" finds "soldier". */
function stem(word: string): string {
  const bare = word.replace(/'s$|'$/, '');
  if (bare.length > 4 && bare.endsWith('ies')) return `${bare.slice(0, -3)}y`;
  if (bare.length > 3 && bare.endsWith('s') && !bare.endsWith('ss')) return bare.slice(0, -1);
  if (bare.length > 5 && bare.endsWith('ing')) return bare.slice(0, -3);
  return bare.length > 4 && bare.endsWith('ed') ? bare.slice(0, -2) : bare;
}

export interface Feature {
  count: number;
  /** 1 for a word, less for a pair. */
  readonly weight: number;
}

/** By 32-bit hash. */
export type Features = Map<number, Feature>;

/** The words and word pairs of a text, and how often each occurs. */
export function featuresOf(text: string): Features {
  const features: Features = new Map();
  const add = (hash: number, weight: number) => {
    const feature = features.get(hash);
    if (feature) feature.count++;
    else features.set(hash, { count: 1, weight });
  };
  let previous: number | undefined;
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}][\p{L}\p{N}']*/gu)) {
    const hash = hashWord(stem(word));
    add(hash, 1);
    if (previous !== undefined) add(mix(Math.imul(previous, 0x9e3779b1) ^ hash), PAIR_WEIGHT);
    previous = hash;
  }
  return features;
}

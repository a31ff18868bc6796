package identity

import (
	"crypto/sha256"
	"strings"
)

const fingerprintWords = 6

// Words returns the pin as six words, 48 bits, for two people to compare over a channel of their own, such as a phone
// call. It guards against a wrong or stolen invite; whoever can search 2^48 keys can meet a given six, so it does not
// replace the invite's secret.
func Words(p Pin) string {
	list := wordList()
	sum := sha256.Sum256(append([]byte("tacit/words/v1"), p[:]...))
	out := make([]string, fingerprintWords)
	for i := range out {
		out[i] = list[sum[i]]
	}
	return strings.Join(out, " ")
}

// wordList maps a byte to a word. The list is part of the format: both sides must print the same words.
func wordList() [256]string {
	return [256]string{
		"able", "acid", "aged", "also", "apex", "arch", "area", "army", "atom", "aunt", "baby", "back", "ball", "band",
		"bank", "barn", "base", "bath", "bead", "beam", "bean", "bear", "bell", "belt", "bird", "blue", "boat", "body",
		"bold", "bolt", "bone", "book", "boot", "born", "bowl", "brim", "bulb", "bush", "cafe", "cage", "cake", "calm",
		"camp", "cane", "card", "cart", "case", "cave", "cell", "chef", "chin", "city", "clay", "clip", "club", "coal",
		"coat", "code", "coin", "cold", "cook", "copy", "corn", "cube", "curl", "dawn", "deck", "deer", "desk", "dial",
		"dish", "dock", "door", "dove", "drum", "duck", "dune", "dust", "each", "earn", "east", "easy", "echo", "edge",
		"envy", "epic", "even", "exit", "face", "fact", "farm", "fern", "film", "fire", "fish", "flag", "flax", "flow",
		"foam", "fold", "fork", "frog", "fuel", "gate", "gear", "germ", "gift", "glad", "glow", "goat", "gold", "golf",
		"gown", "gray", "grid", "grip", "gulf", "hail", "half", "hand", "harp", "hawk", "heat", "herb", "hero", "high",
		"hill", "hint", "hive", "hood", "horn", "host", "hour", "huge", "iced", "icon", "idea", "inch", "iris", "iron",
		"isle", "ivory", "jade", "jazz", "jeep", "join", "joke", "jump", "jury", "keen", "kelp", "kind", "king", "kite",
		"knee", "knot", "lace", "lake", "lamp", "land", "lark", "lava", "lawn", "leaf", "lens", "lime", "lion", "list",
		"loaf", "lock", "loom", "luck", "lung", "mango", "maple", "marsh", "melon", "menu", "mild", "mint", "moon",
		"moss", "moth", "myth", "navy", "nest", "nine", "north", "note", "novel", "nurse", "oasis", "oboe", "ocean",
		"olive", "onion", "opal", "orbit", "otter", "oval", "palm", "panda", "path", "pearl", "pepper", "piano", "pilot",
		"plum", "polo", "pond", "port", "quail", "quartz", "queen", "quiz", "radar", "raven", "reef", "ridge", "river",
		"robin", "rose", "ruby", "saga", "salt", "seed", "shell", "silk", "sofa", "solar", "swan", "taxi", "tempo",
		"tiger", "toast", "topaz", "tulip", "ultra", "umber", "uncle", "urban", "vapor", "velvet", "vine", "viola",
		"vivid", "wagon", "water", "whale", "wheat", "willow", "winter", "yacht", "yeast", "yodel", "zebra",
	}
}

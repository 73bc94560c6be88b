"""How much messages resemble each other."""

from sklearn.feature_extraction.text import TfidfVectorizer


def cosines(texts):
    """Their cosines, an array (texts, texts), by character 3- to 5-grams in words."""
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5))
    vectors = letters.fit_transform(text.lower() for text in texts)
    return (vectors @ vectors.T).toarray()

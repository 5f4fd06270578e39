"""Articles from files, and annotations in the formats of trainers and other tools.

Exchange formats, which `registry` finds by their entry points, one module for each kind: `brat`, `conll` (with
`conll_layout`), `hf_ner`, `jsonl`, `gliner` (gliner, gliner2), `event_mentions` (oneie, wikievents) and `spacy_docbin`
(spacy, spancat). They share `format_loss` (what a format cannot hold), `tokens`, `token_tags` (BIO tags),
`article_lookup` (the article that a document is) and `translation` (from the labels of another ontology).

Inputs, which are no exchange formats: `articles` and `tables` read articles, `gold_jsonl` and `inline_markup` read
annotations that people wrote by hand.
"""

"""The words of the READMEs' generated blocks, in English and Japanese.

Both tables have the same keys and placeholders. Figures come from front_page.py.
"""

ENGLISH = {
    "missing": "Not recorded yet: `make docs` and `make bench` do.",
    "range": "{:.1%} to {:.1%}",
    "said": ": {}",
    "machine": (),  # (pattern, replacement) for a machine's description
    "duration": ("not yet recorded", "under a minute", "about a minute", "{} minutes"),
    "badge": "Open in Colab: notebook 04, Fine-tuning",
    "open": (
        "Notebook {n} trains {model} on {rows} messages in **{minutes:.0f} minutes** "
        "({machine}, {date})."
    ),
    "embedded": " The figures on this page are of that model, not of FunctionGemma.",
    "transcript": ("message", "due", "before → after fine-tuning"),
    "tools": {
        "search_knowledge_base": "internal", "search_google": "public",
        "no tool": "no call",
    },
    "results": (
        "{n} test messages", "strictly correct (95% interval)", "where a tool is due",
        "where none is due",
    ),
    "methods": {
        "after": "{model}, fine-tuned", "tfidf": "word counts (TF-IDF + logistic regression)",
        "majority": "always the same tool", "before": "{model}, as it comes",
    },
    "seeds": (
        "The same recipe with {n} random seeds: **{mean:.1%} on average, from {low:.1%} to {high:.1%}** "
        "([notebook 08](notebooks/08_how_sure_are_we.ipynb)). "
    ),
    "paired": (
        "The comparison to beat is the word counts, a classifier that ignores word order. "
        "On {better} messages the fine-tuned model alone is right, on {worse} the word "
        "counts alone. Two equally good methods would differ by so much with p = {p} (exact "
        "McNemar test)."
    ),
    "helpdesk": (
        " On a harder task, five help desk tools with all their arguments, the model gets "
        "{strict:.1%} of {n} messages right ({range}, "
        "[notebook 09](notebooks/09_your_own_tools.ipynb))."
    ),
    "limits": {
        "base": (
            "**FunctionGemma itself has not been measured.** Gemma 3 270M, from which it "
            "was made, calls no tool before it is fine-tuned, so its gain over "
            "itself proves little."
        ),
        "leaks": (
            "**Leaks:** {correct} of {n} internal questions go to the public search, {low} to "
            "{high} by seed."
        ),
        "silent": (
            "**Needless calls:** {correct} of {n} messages that need no tool rightly get no "
            "call, {low} to {high} by seed. The others get one."
        ),
        "renamed": (
            "**Renamed tools:** {right} of {n} right when the same two tools have other "
            "names. The model learns your tools, not how to read declarations."
        ),
        "unseen": "**Tools it never saw:** {right} of {n} calls right.",
        "scope": "**The test** has one invented company, one policy, English only.",
    },
    "notebook": (
        "- **{number}** [{title}]({path}): {gain}. {time}. [Colab]({colab})"
    ),
    "notebooks": {},  # name: (title, gain) where they differ from series.SERIES
    "together": "Times are of the machine above; all in order take {minutes:.0f} minutes.",
    "speed": (
        "**Training is {ratio_low:.0f} to {ratio_high:.0f} times as fast as the guide's "
        "recipe on the same CPU, with equal batches {ratio_equal_batch_low:.0f} to "
        "{ratio_equal_batch_high:.0f} times** ({machine}, {date}). There the "
        "recipe still multiplies in float32 and takes the loss on every token; ours "
        "takes bfloat16 and the reply alone."
    ),
    "no_gpu": " No GPU has been measured.",
    "gpu": (
        " On an {gpu} ({date}), notebook 04 trains in {seconds:.0f} seconds, "
        "{ratio:.1f} times as fast per row as the guide's recipe; {right} of {n} "
        "replies are right."
    ),
}  # fmt: skip

KEEP = "\N{WORD JOINER}"  # a narrow column would stack the characters
JAPANESE = {
    "missing": "未記録です。`make docs`と`make bench`で記録します。",
    "range": "{:.1%}〜{:.1%}",
    "said": "：{}",
    "machine": (
        (", ", "、"), (r"(\d+) cores", r"\1コア"), (r"(\d+) thread", r"\1スレッド"), (r"(\w+) only", r"\1のみ"),
        (r"(\w+) matmuls", r"行列積は\1"),
    ),
    "duration": ("未記録", "1分未満", "約1分", "{}分"),
    "badge": "ノートブック04（ファインチューニング）をColabで開く",
    "open": (
        "ノートブック{n}では、{model}を{rows}件のメッセージで学習させます。所要時間は"
        "**{minutes:.0f}分**でした（{machine}、{date}）。"
    ),
    "embedded": "このページの数値はこのモデルのもので、FunctionGemmaのものではありません。",
    "transcript": ("メッセージ", f"正{KEEP}解", "ファインチューニング前 → 後"),
    "tools": {
        "search_knowledge_base": f"社{KEEP}内", "search_google": f"公{KEEP}開",
        "no tool": f"な{KEEP}し",
    },
    "results": (
        "テスト{n}件", "厳密正解率（95%信頼区間）", "ツールが必要な場合",
        "ツールが不要な場合",
    ),
    "methods": {
        "after": "{model}（ファインチューニング後）",
        "tfidf": "単語の出現頻度（TF-IDF + ロジスティック回帰）",
        "majority": "常に同じツール（最頻クラス）",
        "before": "{model}（ファインチューニング前）",
    },
    "seeds": (
        "乱数シードだけを変えて同じ手順を{n}回実行すると、**平均は{mean:.1%}、範囲は{low:.1%}〜{high:.1%}でした**"
        "（[ノートブック08](notebooks/08_how_sure_are_we.ipynb)）。"
    ),
    "paired": (
        "比較の基準は、語順を考慮しない単語頻度の分類器です。ファインチューニング後のモデルだけが正解した"
        "メッセージは{better}件、単語頻度の分類器だけが正解したメッセージは{worse}件でした（p = {p}。"
        "両者の性能が等しいという仮説に対するMcNemarの正確検定）。"
    ),
    "helpdesk": (
        "より難しいタスク（5つのツールを使うヘルプデスク。引数もすべて採点）では、{n}件のうち{strict:.1%}が正解でした"
        "（{range}、[ノートブック09](notebooks/09_your_own_tools.ipynb)）。"
    ),
    "limits": {
        "base": (
            "**FunctionGemma本体では測定していません**。元になったGemma 3 270Mは、ファインチューニング前には"
            "ツールをまったく呼び出さないため、前後の差だけでは効果の裏付けになりません。"
        ),
        "leaks": (
            "**情報漏れ**：社内情報についての質問{n}件のうち{correct}件が公開検索に送られます。"
            "シードによって{low}〜{high}件です。"
        ),
        "silent": (
            "**不要な呼び出し**：ツールが不要なメッセージ{n}件のうち、正しく何も呼び出さなかったのは{correct}件です。"
            "シードによって{low}〜{high}件です。"
        ),
        "renamed": (
            "**ツール名の変更**：同じ2つのツールの名前だけを変えると、正解は{n}件中{right}件に下がります。"
            "モデルは特定のツールの使い分けを覚えるだけで、ツール定義の読み方は身に付けていません。"
        ),
        "unseen": "**学習していないツール**：正しく呼び出せたのは{n}件中{right}件です。",
        "scope": "**テストの範囲**：対象は、架空の1社、1つのポリシー、英語のみです。",
    },
    "notebook": (
        "- **{number}** [{title}]({path})：{gain}。{time}。[Colab]({colab})"
    ),
    "notebooks": {
        "01_environment_setup": ("環境の準備", "自分のマシンに合うモデルを選び、読み込む"),
        "02_dataset": ("データセット", "ツール呼び出しのデータを書き、リークがないか確かめる"),
        "03_baseline_evaluation": ("ベースライン評価", "モデルを厳密に採点し、信頼区間を付ける"),
        "04_finetuning": (
            "ファインチューニング", "学習させ、devデータでエポックを選び、保存して読み込み直す",
        ),
        "05_training_curves": ("学習曲線", "損失の推移を読み、過学習を見分ける"),
        "06_post_training_evaluation": (
            "ファインチューニング後の評価", "性能が向上したかを確かめ、誤答を読み解く",
        ),
        "07_train_faster": ("高速化", "学習と評価を数倍高速化し、規模を広げる"),
        "08_how_sure_are_we": ("結果はどこまで確かか", "本当の差と偶然の差を見分ける"),
        "08b_beyond_the_test": ("テストの範囲を超えて", "テストの点数に表れないことを見分ける"),
        "09_your_own_tools": ("自分のツール", "自分のツールでモデルを学習させ、採点する"),
        "10_use_it": ("使う", "呼び出しを安全に実行し、結果をもとに答えさせる"),
        "10b_deploy_it": ("公開する", "書き出し、サーバーで動かし、もう一度テストし、変化を見張る"),
    },
    "together": "時間は上記のマシンでの実測値です。順にすべて実行すると{minutes:.0f}分かかります。",
    "speed": (
        "**同じCPUでの学習は、公式ガイドのレシピの{ratio_low:.0f}〜{ratio_high:.0f}倍、バッチサイズを"
        "揃えると{ratio_equal_batch_low:.0f}〜{ratio_equal_batch_high:.0f}倍の速さです**（{machine}、"
        "{date}）。ただし、この場合も条件が2点異なります。公式ガイドのレシピは行列積をfloat32、損失を全トークンで"
        "計算し、本シリーズは行列積をbfloat16、損失を応答部分だけで計算します。"
    ),
    "no_gpu": "GPUではまだ測定していません。",
    "gpu": (
        "{gpu}では（{date}）、ノートブック04の学習がdevデータへの応答も含めて{seconds:.0f}秒で終わります。"
        "1秒あたりの行数は、同じGPUでの公式ガイドのレシピの{ratio:.1f}倍です。テストは{n}件中{right}件が正解です。"
    ),
}  # fmt: skip

LANGUAGES = {
    "README.md": ENGLISH, "README.ja.md": JAPANESE, "docs/hardware.md": ENGLISH,
}  # fmt: skip

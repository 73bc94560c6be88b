"""The words of the READMEs' generated blocks, in English and Japanese.

Both tables have the same keys and placeholders. Figures come from front_page.py.
"""

ENGLISH = {
    "missing": "Not recorded yet: `make docs` and `make bench` do.",
    "range": "{}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{}",
    "machine": (),  # (pattern, replacement) for a machine's description
    "duration": ("not yet recorded", "under a minute", "about a minute", "{} minutes"),
    # results
    "results": (
        "{n} test prompts", "strictly correct", "95% interval", "where a tool is due",
        "where none is due",
    ),
    "methods": {
        "majority": "majority class", "tfidf": "TF-IDF + logistic regression",
        "before": "before fine-tuning", "after": "**after fine-tuning**",
    },
    "paired": (
        "Fine-tuning took {minutes:.0f} minutes ({machine}, {date}); it turned {fixed} "
        "wrong answers right and {broken} right ones wrong (exact McNemar test, p = {p}). "
        "Model: {model}"
    ),
    "seeds": (
        " The same recipe with {n} seeds: {mean} on average, from {low} to {high} "
        "([notebook 8](notebooks/08_how_sure_are_we.ipynb))."
    ),
    "embedded": (
        "Gemma 3 270M, from which FunctionGemma was made; **none of this was measured on "
        "FunctionGemma itself.**"
    ),
    "model": "`{}`.",
    "evidence": (
        "Against TF-IDF with logistic regression: {better} prompts that only the tuned "
        "model gets right, {worse} that only TF-IDF does (exact McNemar test, p = {p}). "
        "With whole families resampled, the 95% interval of the tuned model's {strict} "
        "is {range}."
    ),
    # notebooks
    "contents": ("#", "notebook", "after it you can", "CPU, recorded", "GPU", "open"),
    "notebooks": {},  # name: (title, gain) where they differ from series.SERIES
    "gpu_used": ("not used", "optional"),
    "together": "All of them in order: {minutes:.0f} minutes ({machine}).",
    # hardware
    "hardware": (
        "machine", "matrix products", "attention", "memory to train, without activations",
        "with frozen embeddings",
    ),
    "machines": {
        "cpu bf16": "CPU with AVX512-BF16 or AMX", "cpu": "another CPU",
        "mps": "Apple GPU",
    },
    "flash": "`flash_attention_2` where flash-attn is installed, else `sdpa`",
    "arithmetic": (
        "The memory is arithmetic: weights, gradients and Adam's two moments in float32 "
        "are {bytes} bytes for each of {parameters:.0f}M parameters, bfloat16 copies of "
        "the weights {copies} more; frozen embeddings have neither gradient nor moments. "
    ),
    "no_gpu": "No GPU has been measured yet.",
    "gpu": (
        "Measured on {card} ({date}): training {ratios} times as fast as the reference "
        "recipe with {tools} tools."
    ),
    "memory": (
        "tools in the prompt", "reference recipe", "ours", "frozen embeddings",
        "and activations recomputed",
    ),
    "peak": (
        "Measured: the peak of the whole process in two training steps, and its share "
        "of the reference recipe's ({machine}, {date}). A step of the reference is of "
        "4 rows, with 32 tools of 2; ours of 8."
    ),
    # measured
    "measured": ("what", "model", "machine and date"),
    "subjects": {
        "accuracy": "accuracy before and after, training time",
        "speed": "speed and memory of training and evaluation",
        "functiongemma": "FunctionGemma itself",
        "gpu": "speed on a GPU",
    },
    "unmeasured": "not measured",
    # speed
    "speed": (
        "tools in the prompt", "reference recipe, s per row", "ours, s per row",
        "times as fast", "with frozen embeddings",
    ),
    "whole": (
        "Evaluation is {before:.1f} times as fast before fine-tuning and {after:.1f} "
        "times after it. Baseline, training and evaluation, put together from these "
        "medians: {ratio:.1f} times ({reference:.0f} minutes become {ours:.0f}). "
        "Medians of {repeats} runs in turns ({machine}, {date})."
    ),
}  # fmt: skip

JAPANESE = {
    "missing": "未記録です。`make docs`と`make bench`で記録します。",
    "range": "{}〜{}",
    "machine": (
        (", ", "、"), (r"(\d+) cores", r"\1コア"), (r"(\d+) thread", r"\1スレッド"), (r"(\w+) only", r"\1のみ"),
        (r"(\w+) matmuls", r"行列積は\1"),
    ),
    "duration": ("未記録", "1分未満", "約1分", "{}分"),
    "results": (
        "テスト{n}件", "厳密正解率", "95%信頼区間", "ツールが必要な場合",
        "ツールが不要な場合",
    ),
    "methods": {
        "majority": "最頻", "tfidf": "TF-IDF",
        "before": "学習前", "after": "**学習後**",
    },
    "paired": (
        "ファインチューニングには{minutes:.0f}分かかりました（{machine}、{date}）。"
        "その結果、{fixed}件が不正解から正解に、{broken}件が正解から不正解に変わり"
        "ました（McNemarの正確検定、p = {p}）。モデルは、{model}"
    ),
    "seeds": (
        "シードだけを変えて同じ手順を{n}回実行すると、平均は{mean}、範囲は{low}〜{high}です"
        "（[ノートブック8](notebooks/08_how_sure_are_we.ipynb)）。"
    ),
    "evidence": (
        "TF-IDF + ロジスティック回帰との比較では、ファインチューニング後のモデルだけが"
        "正解したプロンプトが{better}件、TF-IDFだけが正解したプロンプトが{worse}件です"
        "（McNemarの正確検定、p = {p}）。ファミリー単位で再標本化すると、"
        "ファインチューニング後の{strict}の95%信頼区間は{range}です。"
    ),
    "embedded": (
        "FunctionGemmaの元になったGemma 3 270Mです。"
        "**いずれもFunctionGemma本体で測定した数値ではありません**。"
    ),
    "model": "`{}`です。",
    "contents": (
        "#", "ノートブック", "できるようになること", "CPU実測", "GPU", "開く",
    ),
    "notebooks": {
        "01_environment_setup": (
            "環境", "自分のマシンに合うモデルを選び、読み込む",
        ),
        "02_dataset": (
            "データ", "ツール呼び出しのデータを書き、リークがないか確かめる",
        ),
        "03_baseline_evaluation": (
            "学習前", "モデルを厳密に採点し、信頼区間を付ける",
        ),
        "04_finetuning": (
            "学習",
            "ファインチューニングし、devデータでエポックを選び、保存して読み込み直す",
        ),
        "05_training_curves": ("学習曲線", "損失の推移を読み、過学習を見分ける"),
        "06_post_training_evaluation": (
            "学習後", "性能が向上したことを示し、誤答を読み解く",
        ),
        "07_train_faster": (
            "高速化", "学習と評価を数倍高速化し、規模を広げる",
        ),
        "08_how_sure_are_we": (
            "結果はどこまで確かか", "本当の差と偶然の差を見分ける",
        ),
        "09_your_own_tools": (
            "自分のツール", "自分のツールでモデルを学習させ、採点する",
        ),
    },
    "gpu_used": ("不要", "任意"),
    "together": "順にすべて実行すると{minutes:.0f}分です（{machine}）。",
    "hardware": (
        "マシン", "行列積の精度", "アテンション", "学習メモリ",
        "埋め込み凍結",
    ),
    "machines": {
        "cpu bf16": "CPU（AVX512-BF16/AMX）", "cpu": "他のCPU",
        "mps": "Apple GPU",
    },
    "flash": "flash-attnがあれば`flash_attention_2`、なければ`sdpa`",
    "arithmetic": (
        "メモリは計算で求めた値で、アクティベーションは含みません。{parameters:.0f}M個のパラメータそれぞれに、"
        "float32の重み、勾配、Adamの二つのモーメントで{bytes}バイト、重みのbfloat16"
        "コピーでさらに{copies}バイトを要します。凍結した埋め込みには、勾配も"
        "モーメントもありません。"
    ),
    "no_gpu": "GPUではまだ測定していません。",
    "gpu": (
        "{card}での実測（{date}）：ツール数{tools}のとき、学習は参照レシピのそれぞれ{ratios}倍"
        "の速さです。"
    ),
    "memory": (
        "ツール数", "参照レシピ", "本シリーズ", "埋め込み凍結",
        "＋再計算",
    ),
    "peak": (
        "実測値：学習2ステップでのプロセス全体のピークメモリと、参照レシピに対する割合"
        "（{machine}、{date}）。各ステップの行数は、参照レシピが4行（ツール数32では2行）、"
        "本シリーズが8行です。"
    ),
    "measured": ("項目", "モデル", "マシンと日付"),
    "subjects": {
        "accuracy": "学習前後の正解率、学習時間",
        "speed": "学習・評価の速度、メモリ",
        "functiongemma": "FunctionGemma本体",
        "gpu": "GPUでの速度",
    },
    "unmeasured": "未測定",
    "speed": (
        "ツール数", "参照レシピ（秒/行）", "本シリーズ（秒/行）",
        "速度比（倍）", "埋め込み凍結（倍）",
    ),
    "whole": (
        "評価の速さは、ファインチューニング前で{before:.1f}倍、後で{after:.1f}倍です。"
        "ベースライン、学習、評価の全体では、これらの中央値からの見積もりで"
        "{ratio:.1f}倍の速さです（{reference:.0f}分が{ours:.0f}分に短縮）。"
        "交互に{repeats}回ずつ実行したときの中央値です（{machine}、{date}）。"
    ),
}  # fmt: skip

LANGUAGES = {"README.md": ENGLISH, "README.ja.md": JAPANESE}

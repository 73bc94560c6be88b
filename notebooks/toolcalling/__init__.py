"""Helpers that the notebooks share. Each module stands alone:

function_calls   FunctionGemma's calls as text: parse and render
conversations    the tools, the policy, rows and what they become
hardware         device, number format, attention
colab_kaggle     what Colab and Kaggle have of their own
packages         what requirements.txt asks for, and installing it
bootstrap        what the first cell of every notebook does
hub_access       can a gated model be had, and if not, why
embedded_model   Gemma 3 270M from a package, made ready for tools
models           choose, load, save
shared_prefix    the SFT trainer that computes a shared prompt prefix once
memory           what a training step keeps in memory, by part
launch           the same training from the command line, on many devices
generation       greedy replies in batches, behind a prefix cache
evaluation       generate, judge, score
office_tools     thirty more tools, for prompts that declare many
charts           the series' figures
cell_order       a cell run too early: which cells to run first
workspace        where things are kept, what must be there first
"""

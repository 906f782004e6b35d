"""What is asked at the door."""

from django import forms


class CodeForm(forms.Form):
    use_required_attribute = False

    code = forms.CharField(
        label="Code",
        help_text="Six digits from your phone, or one of your recovery codes",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
        error_messages={"required": "Enter the code", "max_length": "The code is not right"},
    )


class SetUpForm(CodeForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "Six digits that your phone shows now"
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
